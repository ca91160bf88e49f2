"""A journal whose files fail, vanish or may not be touched: said as the queue's trouble, and over when it is over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import apsw
import pytest
from contract import events, numbers, soon, take
from failing_disk import Faults, failing_disk

from exporter.queues.journal import tables
from exporter.queues.journal.lease import Leases
from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.port import GroupInUse, QueueUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "queue.db"


@pytest.fixture
async def queue(path: Path) -> AsyncIterator[JournalQueue]:
    async with open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as opened:
        yield opened


async def until_it_works(check: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await check()  # type: ignore[misc]
            except QueueUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


def move(path: Path, to: Path) -> Path:
    return path.rename(to)


def move_aside(path: Path, *, replaced: bool) -> Path:
    aside = move(path, path.with_name("aside.db"))
    if replaced:
        path.touch()
    return aside


@pytest.fixture
def faults() -> Iterable[Faults]:
    with failing_disk() as faults:
        yield faults


async def test_what_cannot_be_read_is_the_queues_trouble(faults: Faults, path: Path) -> None:
    async with (
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        await queue.publish(events(3))
        faults.reading = True
        with pytest.raises(QueueUnavailable, match="reading or writing the disk failed"):
            await soon(subscription.receive(10))
        # It is not taken to be over because something else can be done.
        with pytest.raises(QueueUnavailable, match="reading or writing the disk failed"):
            await soon(queue.check())
        faults.reading = False
        await soon(queue.check())
        assert numbers(await take(subscription, 3)) == [0, 1, 2]


async def test_a_check_reads_again_what_could_not_be_read(
    queue: JournalQueue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page of many may be what is broken."""
    real = tables.read
    broken = 2

    def read(connection: apsw.Connection, after: int, *rest: int) -> object:
        if after >= broken:
            raise apsw.IOError("disk I/O error")
        return real(connection, after, *rest)

    await queue.publish(events(2))
    async with queue.subscribe("g", "earliest") as subscription:
        await take(subscription, 2)
        async with open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as elsewhere:
            await elsewhere.publish(events(3, begin=2))
        monkeypatch.setattr(tables, "read", read)
        for call in (lambda: subscription.receive(1), queue.check, queue.check):
            with pytest.raises(QueueUnavailable, match="disk I/O error"):
                await soon(call())
        broken = 100
        await soon(queue.check())
        assert numbers(await take(subscription, 3)) == [2, 3, 4]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), RuntimeError("can't start new thread")])
async def test_positions_are_written_after_any_failure(
    queue: JournalQueue, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A failure that nobody knows of must not end all commits."""
    real = tables.commit
    failures = 3

    def commit(connection: apsw.Connection, standings: Iterable[tables.GroupRow]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise error
        real(connection, standings)

    monkeypatch.setattr(tables, "commit", commit)
    await queue.publish(events(3))
    async with queue.subscribe("g", "earliest") as subscription:
        for message in await take(subscription, 3):
            subscription.settle(message)
        with pytest.raises(QueueUnavailable):
            await soon(subscription.receive(1))
        await until_it_works(queue.check)
        [place] = await queue.positions()
        assert (place.settled_to, place.lag) == (3, 0)


async def test_a_folder_that_cannot_be_used_for_a_while_loses_no_position(queue: JournalQueue, path: Path) -> None:
    await queue.publish(events(4))
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 4)
        subscription.settle(taken[0])
        await soon(subscription.commit())
        aside = move(path.parent, path.parent.with_name("aside"))
        path.parent.touch()
        with pytest.raises(QueueUnavailable, match="Not a directory"):
            await soon(subscription.receive(1))
        subscription.settle(taken[1])
        with pytest.raises(QueueUnavailable):
            await soon(subscription.commit())
        path.parent.unlink()
        aside.rename(path.parent)
        await until_it_works(queue.check)
        await until_it_works(subscription.commit)
        [place] = await queue.positions()
        assert place.settled_to == 2
        await queue.publish(events(1, begin=4))
        assert numbers(await take(subscription, 1)) == [4]


@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_an_idle_reader_hears_that_the_journal_is_gone(queue: JournalQueue, path: Path, how: str) -> None:
    async with queue.subscribe("g", "earliest") as subscription:
        receiving = asyncio.ensure_future(subscription.receive(10))
        await asyncio.sleep(0)
        aside = move_aside(path, replaced=how == "replaced")
        with pytest.raises(QueueUnavailable, match=f"queue.db was {how} while it was open: put it back, or start"):
            await soon(receiving)
        with pytest.raises(QueueUnavailable, match=how):
            await soon(subscription.receive(10))
        with pytest.raises(QueueUnavailable, match=how):
            await soon(queue.check())
        move(aside, path)
        await until_it_works(queue.check)
        await queue.publish(events(2))
        assert numbers(await take(subscription, 2)) == [0, 1]


async def test_locks_that_cannot_be_looked_at_are_the_queues_trouble(queue: JournalQueue, path: Path) -> None:
    async with queue.subscribe("g", "earliest"):
        pass
    folder = path.with_name("queue.db.locks")
    aside = folder.rename(path.with_name("aside"))
    folder.symlink_to(folder)  # what may not be looked into fails the same way; root may look into everything

    async def subscribe() -> None:
        async with queue.subscribe("g", "earliest"):
            pass

    calls: list[Callable[[], object]] = [
        subscribe,
        lambda: queue.badges("g"),
        queue.positions,
        lambda: queue.seek("g", "earliest"),
        lambda: queue.drop("g"),
    ]
    for call in calls:
        with pytest.raises(QueueUnavailable, match="the lock of group g cannot be used"):
            await soon(call())  # type: ignore[arg-type]
    folder.unlink()
    aside.rename(folder)
    async with queue.subscribe("g", "earliest"):
        with pytest.raises(GroupInUse):
            await queue.drop("g")


def remove_locks(path: Path) -> None:
    shutil.rmtree(path.with_name("queue.db.locks"))


async def test_a_lock_that_somebody_removes_is_taken_again(path: Path) -> None:
    async with (
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail, badge="me") as queue,
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as other,
        queue.subscribe("g", "earliest") as subscription,
    ):
        remove_locks(path)
        async with asyncio.timeout(30):
            while list(await other.badges("g")) != ["me"]:  # noqa: ASYNC110 - only asking again shows it
                await asyncio.sleep(0.05)
        with pytest.raises(GroupInUse):
            await other.seek("g", "earliest")
        await queue.publish(events(1))
        assert numbers(await take(subscription, 1)) == [0]


async def test_a_lock_that_another_has_taken_meanwhile_stops_us_and_says_so(queue: JournalQueue, path: Path) -> None:
    async with queue.subscribe("g", "earliest") as subscription:
        remove_locks(path)
        with Leases(path).taken("g") as free:
            assert free
            with pytest.raises(QueueUnavailable, match="the lock of group g was removed while it was held"):
                await soon(subscription.receive(1))
            with pytest.raises(QueueUnavailable, match="start the exporter again"):
                await soon(queue.check())
        # Whoever that was has moved the position: what we know of it is worth nothing.
        with pytest.raises(QueueUnavailable, match="start the exporter again"):
            await soon(queue.check())


async def test_a_standby_notices_that_the_lock_it_waits_for_was_removed(path: Path) -> None:
    async with (
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as queue,
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as other,
    ):
        entered = asyncio.Event()

        async def standby() -> None:
            async with other.subscribe("g", "earliest"):
                entered.set()

        async with asyncio.TaskGroup() as tasks:
            async with queue.subscribe("g", "earliest"):
                tasks.create_task(standby())
                await asyncio.sleep(0.3)
                remove_locks(path)
                await soon(queue.check())
                await asyncio.sleep(1.0)
                assert not entered.is_set()
            await soon(entered.wait())
