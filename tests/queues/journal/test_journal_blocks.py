"""The tables that hold the journal's events: begun where one is full, deleted whole, used again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from contract import events, numbers, soon, take
from hypothesis import given
from hypothesis import strategies as st
from sweeps import Sweeps

from exporter.database.opening import open_file
from exporter.queues.journal import blocks, tables
from exporter.queues.journal.queue import open_journal
from exporter.queues.port import Outgoing

ROOM = 10


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of ten events, three of them at most; as if every group passed many events between two looks."""
    monkeypatch.setattr(blocks, "EVENTS", ROOM)
    monkeypatch.setattr(blocks, "BLOCKS", 3)
    monkeypatch.setattr("exporter.queues.journal.upkeep._FEW_EVENTS", 0)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    opened = open_file(tmp_path / "queue.db", tables.SCHEMA)
    opened.execute("UPDATE blocks SET room = ?", (ROOM,))
    yield opened
    opened.close()


def publish(connection: apsw.Connection, count: int, size: int = 1) -> None:
    with connection:
        tables.publish(connection, [Outgoing(None, b"x" * size)] * count, 10**9)


def delete(connection: apsw.Connection, to: int, *, exactly: bool = False, most: int = 4) -> tuple[int, bool]:
    return tables.delete_up_to(connection, to, most, (), (), exactly=exactly)


def held(connection: apsw.Connection) -> dict[int, int]:
    """The numbers of the blocks in use, from the oldest, with how many events each holds."""
    return {
        block.number: connection.execute(f"SELECT count(*) FROM block_{block.number}").get
        for block in blocks.blocks(connection)
    }


def positions(connection: apsw.Connection, after: int = 0, most: int = 1000) -> list[int]:
    return [message.position for message in tables.read(connection, after, most, 10**9)]


def test_another_block_begins_where_one_is_full(connection: apsw.Connection) -> None:
    for _ in range(5):
        publish(connection, 5)
    assert held(connection) == {0: 10, 1: 10, 2: 5}
    assert positions(connection) == list(range(1, 26))
    assert positions(connection, 8, 5) == [9, 10, 11, 12, 13]
    assert tables.ends(connection) == (1, 25)
    assert connection.execute("SELECT group_concat(position) FROM events ORDER BY position").get == ",".join(
        str(position) for position in range(1, 26)
    )


def test_only_whole_blocks_go_and_are_used_again(connection: apsw.Connection) -> None:
    for _ in range(5):
        publish(connection, 5)
    assert delete(connection, 9) == (0, False)
    assert delete(connection, 19) == (10, True)
    assert delete(connection, 19) == (0, False)
    assert tables.ends(connection) == (11, 25)
    publish(connection, 5)
    publish(connection, 5)
    assert held(connection) == {1: 10, 2: 10, 0: 5}
    assert positions(connection) == list(range(11, 36))
    assert positions(connection, 3, 9) == list(range(11, 20))


def test_what_is_asked_for_exactly_goes_row_by_row(connection: apsw.Connection) -> None:
    for _ in range(5):
        publish(connection, 5)
    assert delete(connection, 6, exactly=True) == (4, True)
    assert delete(connection, 6, exactly=True) == (2, False)
    assert tables.ends(connection) == (7, 25)
    assert delete(connection, 12, exactly=True) == (4, True)
    assert delete(connection, 12, exactly=True) == (2, False)
    assert held(connection) == {1: 8, 2: 5}


def test_all_of_it_goes_where_all_is_passed_and_positions_go_on(connection: apsw.Connection) -> None:
    for _ in range(5):
        publish(connection, 5)
    assert [delete(connection, 25) for _ in range(4)] == [(10, True), (10, True), (5, False), (0, False)]
    assert tables.ends(connection) == (26, 25)
    assert positions(connection) == []
    publish(connection, 1)
    assert positions(connection) == [26]


async def test_a_journal_that_is_idle_writes_nothing(tmp_path: Path, sweeps: Sweeps) -> None:
    path = tmp_path / "queue.db"
    async with (
        open_journal(path, max_bytes=10**9, groups=("g",), warn=pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        await queue.publish(events(3))
        for message in await take(subscription, 3):
            subscription.settle(message)
        await soon(subscription.commit())
        await sweeps.catch_up()
        log = path.with_name("queue.db-wal")
        before = log.stat().st_size, log.stat().st_mtime_ns
        for _ in range(3):
            await sweeps.catch_up()
        assert (log.stat().st_size, log.stat().st_mtime_ns) == before


def test_where_all_blocks_hold_events_the_newest_grows_and_is_deleted_a_few_at_a_time(
    connection: apsw.Connection,
) -> None:
    for _ in range(12):
        publish(connection, 5)
    assert held(connection) == {0: 10, 1: 10, 2: 40}
    assert positions(connection) == list(range(1, 61))
    assert [delete(connection, 60, most=30) for _ in range(2)] == [(10, True), (10, True)]
    assert [delete(connection, 60, most=30) for _ in range(2)] == [(30, True), (10, False)]
    publish(connection, 5)
    assert held(connection) == {2: 0, 0: 5}
    assert positions(connection) == [61, 62, 63, 64, 65]
    assert delete(connection, 60) == (0, True)
    assert held(connection) == {0: 5}


def test_a_block_of_large_events_has_room_for_few(connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_BYTES", 1000)
    publish(connection, ROOM, 500)
    for _ in range(4):
        publish(connection, 1, 500)
    assert held(connection) == {0: 10, 1: 2, 2: 2}


def test_a_publish_that_is_undone_begins_no_block(connection: apsw.Connection) -> None:
    publish(connection, ROOM)

    def fails() -> None:
        with connection:
            tables.publish(connection, events(3), 10**9)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert held(connection) == {0: 10}
    publish(connection, 1)
    assert positions(connection, 9) == [10, 11]


def test_a_journal_of_one_table_becomes_one_of_blocks(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    before = apsw.Connection(str(path))
    before.pragma("auto_vacuum", 2)
    before.pragma("journal_mode", "wal")
    for script in tables.SCHEMA.migrations[:3]:
        before.execute(script)
    before.pragma("application_id", tables.SCHEMA.application_id)
    before.pragma("user_version", 3)
    before.executemany("INSERT INTO events (taken_at, body) VALUES (0, ?)", [(b"x",)] * 30)
    before.execute("DELETE FROM events WHERE position <= 4")
    before.close()
    connection = open_file(path, tables.SCHEMA)
    try:
        assert tables.ends(connection) == (5, 30)
        assert positions(connection, 28) == [29, 30]
        connection.execute("UPDATE blocks SET room = ?", (ROOM,))
        publish(connection, 2)
        assert held(connection) == {0: 26, 1: 2}
        assert positions(connection, 28) == [29, 30, 31, 32]
    finally:
        connection.close()


#: What is done to a journal: events that are published together, or the position up to which to delete, exactly or not.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 25)),
        st.tuples(st.sampled_from(["delete", "delete exactly"]), st.integers(0, 30)),
    ),
    max_size=30,
)


@given(STEPS, st.integers(1, 30))
def test_every_event_that_is_not_passed_is_there_in_order(steps: list[tuple[str, int]], most: int) -> None:
    connection = apsw.Connection(":memory:")
    for script in tables.SCHEMA.migrations:
        connection.execute(script)
    published, passed = 0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "EVENTS", 7)
        patch.setattr(blocks, "BLOCKS", 3)
        connection.execute("UPDATE blocks SET room = 7")
        for what, number in steps:
            if what == "publish":
                publish(connection, number)
                published += number
            else:
                passed = min(published, passed + number)
                while delete(connection, passed, exactly=what.endswith("exactly"), most=most)[1]:
                    pass
            first = tables.ends(connection).first
            assert first <= passed + 1 if what != "delete exactly" else first == passed + 1
            assert positions(connection) == list(range(first, published + 1))
            assert positions(connection, passed, most) == list(range(passed + 1, published + 1))[:most]
            assert blocks.last(connection) == published
    connection.close()


async def test_a_reader_passes_from_block_to_block_while_they_are_deleted_behind_it(
    tmp_path: Path, sweeps: Sweeps
) -> None:
    path = tmp_path / "queue.db"

    def look(statement: str) -> Any:
        beside = apsw.Connection(str(path))
        try:
            return beside.execute(statement).get
        finally:
            beside.close()

    async with (
        open_journal(path, max_bytes=10**9, groups=("g",), warn=pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        look("UPDATE blocks SET room = 10")
        for begin in range(0, 600, 6):
            await queue.publish(events(6, begin=begin))
            messages = await take(subscription, 6)
            assert numbers(messages) == list(range(begin, begin + 6))
            for message in messages[:-1] if begin == 594 else messages:
                subscription.settle(message)
            await soon(subscription.commit())
        await sweeps.catch_up()
        await sweeps.catch_up()
        assert look("SELECT min(position) FROM events") == 600
        assert look("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'block\\__' ESCAPE '\\'") <= 3
