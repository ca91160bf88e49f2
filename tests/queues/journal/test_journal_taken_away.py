"""A journal that is taken away or replaced while open: nothing is made anew in its place, a new one is left alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from contract import events, numbers, soon, take

from exporter.queues.journal.lease import Leases
from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.port import QueueUnavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "queue.db"


@pytest.fixture
async def queue(path: Path) -> AsyncIterator[JournalQueue]:
    async with open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as opened:
        yield opened


async def until_it_works(queue: JournalQueue) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await queue.check()
            except QueueUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


def replace(path: Path) -> None:
    path.rename(path.with_name("aside.db"))
    path.touch()


@pytest.mark.parametrize("lost", ["file", "folder"])
async def test_nothing_is_made_anew_while_the_journal_is_away(queue: JournalQueue, path: Path, lost: str) -> None:
    """A folder that somebody made anew could not be put back: it would land inside."""
    gone = path if lost == "file" else path.parent
    async with queue.subscribe("g", "earliest") as subscription:
        aside = gone.rename(gone.with_name("aside"))
        locks = path.with_name("queue.db.locks")
        if lost == "file":
            shutil.rmtree(locks)
        with pytest.raises(QueueUnavailable, match=r"queue.db was removed while it was open: put it back, or start"):
            await soon(subscription.receive(10))  # which the upkeep tells, and looks each second
        calls: list[Callable[[], object]] = [
            lambda: queue.subscribe("h", "earliest").__aenter__(),
            lambda: queue.seek("h", "earliest"),
            lambda: queue.drop("h"),
            queue.check,
        ]
        for call in calls:
            with pytest.raises(QueueUnavailable, match=r"queue.db was removed while it was open"):
                await soon(call())  # type: ignore[arg-type]
        assert not gone.exists()
        assert not locks.exists()
        aside.rename(gone)
        await until_it_works(queue)
        await queue.publish(events(1))
        assert numbers(await take(subscription, 1)) == [0]
        with Leases(path).taken("g") as free:
            assert not free


async def test_the_locks_of_a_new_journal_are_free_for_its_reader(queue: JournalQueue, path: Path) -> None:
    async with queue.subscribe("g", "earliest"):
        for file in path.parent.glob("queue.db*"):
            if file.is_file():  # the folder of locks stays
                file.rename(file.with_name("aside" + file.name))
        async with (
            open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as new,
            asyncio.timeout(30),
            new.subscribe("g", "earliest") as reader,
        ):
            await new.publish(events(1))
            assert numbers(await take(reader, 1)) == [0]
            for call in (queue.check(), queue.subscribe("h", "earliest").__aenter__()):
                with pytest.raises(QueueUnavailable, match=r"queue.db was replaced while it was open"):
                    await soon(call)
        for file in path.parent.glob("queue.db*"):
            if file.is_file():
                file.unlink()
        for file in path.parent.glob("asidequeue.db*"):
            file.rename(file.with_name(file.name.removeprefix("aside")))
        await until_it_works(queue)
        with Leases(path).taken("g") as free:
            assert not free, "the lock is not taken again"


async def test_a_standby_of_a_journal_that_was_replaced_does_not_follow_its_reader(path: Path) -> None:
    async with (
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as queue,
        open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail) as other,
        queue.subscribe("g", "earliest"),
        asyncio.TaskGroup() as tasks,
    ):
        standby = tasks.create_task(until_refused(other))
        replace(path)
        assert "queue.db was replaced while it was open" in await soon(standby)


async def until_refused(queue: JournalQueue) -> str:
    try:
        async with queue.subscribe("g", "earliest"):
            return "it reads"
    except QueueUnavailable as error:
        return str(error)
