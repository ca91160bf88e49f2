"""The journal in one process: the contract, and what only a journal promises."""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from contract import Contract, Opening, batch, events, numbers, settled_lag, soon, stays_silent, take
from sweeps import Sweeps

from exporter.database import Database
from exporter.messages.message import Message
from exporter.queues.journal import tables
from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import Outgoing, Queue, QueueFull, Subscription

pytestmark = pytest.mark.usefixtures("sweeps")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "queue.db"


@pytest.fixture
def opening(path: Path) -> Opening:
    return partial(open_queue, JournalSettings(path=path), (), pytest.fail)


class TestJournal(Contract):
    """The contract."""


def journal(
    path: Path, max_bytes: int = 10**9, groups: Collection[str] = (), warn: Callable[[str], Any] = pytest.fail
) -> AbstractAsyncContextManager[JournalQueue]:
    return open_journal(path, max_bytes=max_bytes, groups=groups, warn=warn)


def look(path: Path, statement: str) -> Any:
    """What another program sees in the file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(statement).get
    finally:
        connection.close()


async def settle_all(subscription: Subscription, count: int) -> None:
    for message in await take(subscription, count):
        subscription.settle(message)
    await soon(subscription.commit())


async def until(probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not probe():  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.05)


async def test_a_new_file_has_another_name(path: Path, tmp_path: Path) -> None:
    async with journal(path) as one, journal(tmp_path / "other.db") as other:
        assert one.name != other.name


async def test_groups_of_one_process_read_a_stretch_once(path: Path) -> None:
    async with journal(path) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("a", "earliest") as a, queue.subscribe("b", "earliest") as b:
            assert [id(message) for message in await take(a, 10)] == [id(message) for message in await take(b, 10)]


async def test_groups_far_apart_read_what_is_theirs(path: Path) -> None:
    async with journal(path) as queue:
        for begin in range(0, 20_000, 1000):
            await queue.publish(events(1000, begin=begin))
        async with queue.subscribe("a", "earliest") as a, queue.subscribe("b", "earliest") as b:
            assert numbers(await take(a, 20_000, limit=333)) == list(range(20_000))
            assert numbers(await take(b, 7_000, limit=100)) == list(range(7_000))
            await queue.publish(events(10, begin=20_000))
            assert numbers(await take(a, 10)) == list(range(20_000, 20_010))
            assert numbers(await take(b, 13_010, limit=450)) == list(range(7_000, 20_010))


async def test_large_events_are_read_a_few_at_a_time(path: Path) -> None:
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish([Outgoing(None, b"x" * 700_000) for _ in range(6)])
        assert [len(await batch(subscription)) for _ in range(3)] == [2, 2, 2]


async def test_positions_never_come_back(path: Path) -> None:
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(5))
        await settle_all(subscription, 5)
        await until(lambda: look(path, "SELECT count(*) FROM events") == 0)
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(1))
        [message] = await take(subscription, 1)
        assert message.position == 6


async def test_what_every_group_has_passed_is_deleted(path: Path, sweeps: Sweeps) -> None:
    async with journal(path, groups=("a", "b")) as queue, queue.subscribe("a", "earliest") as a:
        await queue.publish(events(2500))
        await settle_all(a, 2500)
        await sweeps.catch_up()
        assert look(path, "SELECT count(*) FROM events") == 2500  # b is named and has not begun
        async with queue.subscribe("b", "earliest") as b:
            await settle_all(b, 2400)
            await until(lambda: look(path, "SELECT count(*) FROM events") == 100)
            assert look(path, "SELECT min(position) FROM events") == 2401


async def test_nothing_is_deleted_while_there_is_no_group(path: Path, sweeps: Sweeps) -> None:
    async with journal(path) as queue:
        await queue.publish(events(10))
        await sweeps.catch_up()
        assert look(path, "SELECT count(*) FROM events") == 10


async def test_groups_that_nobody_reads_are_given_up_after_a_week_with_a_warning(path: Path, sweeps: Sweeps) -> None:
    warnings: list[str] = []
    async with journal(path, groups=("a", "asleep"), warn=warnings.append) as queue:
        for group in ("gone", "asleep", "b"):
            async with queue.subscribe(group, "earliest"):
                pass
        async with queue.subscribe("a", "earliest") as a:
            await queue.publish(events(10))
            await settle_all(a, 10)
        async with queue.subscribe("asleep", "earliest") as asleep:
            await settle_all(asleep, 4)
        async with queue.subscribe("b", "earliest") as b:
            await settle_all(b, 3)
    long_ago = time.time() - 7 * 24 * 3600 - 60
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE positions SET seen_at = ? WHERE name IN ('gone', 'asleep')", (long_ago,))
    connection.close()
    async with journal(path, groups=("a", "asleep"), warn=warnings.append) as queue:
        # "b" was read a moment ago and "asleep" is named, however long ago that was; "gone" had settled nothing.
        await until(lambda: look(path, "SELECT min(position) FROM events") == 4)
        await sweeps.catch_up()
        assert len(warnings) == 1
        assert "group gone " in warnings[0]
        async with queue.subscribe("gone", "earliest") as gone:
            assert numbers(await take(gone, 7)) == list(range(3, 10))
        assert len(warnings) == 2
        assert "events 1 to 3 were deleted before it read them" in warnings[1]


async def test_nothing_is_deleted_that_a_group_came_to_need_since_it_was_looked_at(path: Path) -> None:
    def others_come_between(connection: apsw.Connection) -> None:
        tables.publish(connection, events(10), 1_000_000)
        for group in ("g", "gone", "dropped"):
            tables.enter(connection, group, "earliest")
        tables.commit(connection, [tables.GroupRow(group, 10, b"", 1, 0.0) for group in ("g", "dropped")])

        def deleted(to: int, most: int = 100) -> int:
            return tables.delete_up_to(connection, to, most, looked_at, {"gone"}, exactly=True).events

        looked_at = tables.standings(connection)
        assert deleted(9, 2) == 2
        tables.enter(connection, "gone", "earliest")
        assert deleted(9, 2) == 0
        looked_at = tables.standings(connection)
        tables.seek(connection, "g", 5)
        assert deleted(9, 2) == 0
        assert deleted(4) == 2
        tables.enter(connection, "new", "earliest")
        assert deleted(5) == 0
        tables.drop(connection, "new")
        assert deleted(4) == 0  # there is nothing left to delete
        tables.seek(connection, "g", 9)
        tables.drop(connection, "dropped")
        assert deleted(8) == 0
        assert connection.execute("SELECT min(position) FROM events").get == 5
        looked_at = tables.standings(connection)
        assert deleted(8) == 4

    async with Database.open(path, tables.SCHEMA) as database:
        await database.tidy(others_come_between)


async def test_a_group_that_is_being_read_is_not_given_up_whatever_the_clock_says(path: Path, sweeps: Sweeps) -> None:
    warnings: list[str] = []
    async with (
        journal(path, groups=("a",), warn=warnings.append) as queue,
        journal(path, warn=warnings.append) as elsewhere,
    ):
        async with queue.subscribe("a", "earliest") as a:
            await queue.publish(events(10))
            await settle_all(a, 10)
        async with elsewhere.subscribe("b", "earliest") as b:
            assert len(await take(b, 4)) == 4
            connection = apsw.Connection(str(path))
            connection.execute("UPDATE positions SET seen_at = seen_at - 8 * 86400 WHERE name = 'b'")
            connection.close()
            for _ in ("queue", "elsewhere"):
                await sweeps.catch_up()
            assert look(path, "SELECT min(position) FROM events") == 1
        assert warnings == []
        await until(lambda: look(path, "SELECT count(*) FROM events") == 0 and bool(warnings))
        assert "group b " in warnings[0]


async def test_a_full_journal_refuses_until_what_was_read_is_deleted(path: Path) -> None:
    room = 1_000_000
    big = [Outgoing(None, b"x" * 10_000)] * 10
    async with journal(path, max_bytes=room, groups=("g",)) as queue, queue.subscribe("g", "earliest") as subscription:
        published = await publish_until_full(queue, big)
        assert room * 0.8 < published * 10_000 <= room
        await queue.publish([Outgoing(None, b"small")])  # what fits is taken
        await settle_all(subscription, published + 1)

        async def publish_again() -> int:
            while True:
                try:
                    return await queue.publish(big)
                except QueueFull:
                    await asyncio.sleep(0.05)

        await soon(publish_again())
        assert len(await take(subscription, 10)) == 10
    assert look(path, "PRAGMA page_count") * look(path, "PRAGMA page_size") <= room * 1.1  # freed pages were used again


async def publish_until_full(queue: Queue, messages: list[Outgoing]) -> int:
    published = 0
    while True:
        try:
            await queue.publish(messages)
        except QueueFull:
            return published
        published += len(messages)


async def test_a_late_commit_of_an_old_reader_has_no_effect(path: Path) -> None:
    async with journal(path) as first, journal(path) as second:
        await first.publish(events(5))
        async with first.subscribe("g", "earliest") as old:
            taken = await take(old, 5)
        async with second.subscribe("g", "earliest") as new:
            await settle_all(new, 5)
            old.settle(taken[0])
            await soon(old.commit())
            assert await settled_lag(second, "g") == 0


async def test_somebody_who_only_looks_is_no_reader(path: Path) -> None:
    async with journal(path) as queue:
        async with queue.subscribe("g", "earliest"):
            pass
        with looking(path):
            assert [place.reader for place in await queue.positions()] == [False]


@contextmanager
def looking(path: Path) -> Iterator[None]:
    [lock] = path.with_name(path.name + ".locks").iterdir()
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


async def test_many_groups_commit_together(path: Path) -> None:
    async with journal(path) as queue:
        await queue.publish(events(20))
        async with asyncio.TaskGroup() as tasks:
            for index in range(50):
                tasks.create_task(read_all(queue, f"g{index}"))
        assert sum([await settled_lag(queue, f"g{index}") for index in range(50)]) == 0


async def read_all(queue: Queue, group: str) -> None:
    async with queue.subscribe(group, "earliest") as subscription:
        await settle_all(subscription, 20)


async def test_when_ranges_have_no_room_reading_stops_until_they_have(path: Path) -> None:
    # Every other one settled makes ranges of two bytes each, for which a position has 32 KiB.
    count = 2 * 17_000
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(count + 100))
        taken = await take(subscription, count)
        for message in taken[1::2]:
            subscription.settle(message)
        await soon(subscription.commit())
        assert await stays_silent(subscription)
        for message in taken[::2]:
            subscription.settle(message)
        assert numbers(await take(subscription, 100)) == list(range(count, count + 100))


async def test_what_this_process_publishes_is_not_read_by_who_waits_for_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    real = tables.read

    def read(connection: apsw.Connection, after: int, max_events: int, max_bytes: int) -> list[Message]:
        reads.append(after)
        return real(connection, after, max_events, max_bytes)

    monkeypatch.setattr(tables, "read", read)
    # A look for commits of other processes may come between a commit of this one and the word of it, and then reads.
    monkeypatch.setattr("exporter.database.worker_loop._POLL_SECONDS", 60.0)
    monkeypatch.setattr("exporter.database.worker_loop._IDLE_POLL_SECONDS", 60.0)
    async with journal(path) as queue, queue.subscribe("g", "earliest") as reader:
        waiting = asyncio.ensure_future(take(reader, 2))
        await until(lambda: queue._fetch._waiting == 1)
        await queue.publish(events(2))
        first = await waiting
        await queue.publish(events(3, begin=2))
        then = await take(reader, 3)
        assert reads == [0]
        async with journal(path) as elsewhere:
            await elsewhere.publish(events(2, begin=5))
            await queue.publish(events(2, begin=7))
            beyond = await take(reader, 4)
        assert reads == [0, 5]
        # What was kept is what the disk has.
        async with journal(path) as elsewhere, elsewhere.subscribe("h", "earliest") as late:
            assert [(each.position, each.body, each.taken_at) for each in await take(late, 9)] == [
                (each.position, each.body, each.taken_at) for each in (*first, *then, *beyond)
            ]
    assert numbers([*first, *then, *beyond]) == list(range(9))
