"""When the journal makes durable what was settled: every 25 ms or 500 events, all groups at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import apsw
import pytest
from contract import events, settled_lag, soon, take

from exporter.database import DatabaseUnavailable
from exporter.queues.journal import tables
from exporter.queues.journal.queue import open_journal
from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable


class Writes:
    """The commits that were made, as the groups in each; the next ``failures`` of them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[list[str]] = []
        self.failures = 0
        self._real = tables.commit
        monkeypatch.setattr(tables, "commit", self)

    def __call__(self, connection: apsw.Connection, standings: Iterable[tables.GroupRow]) -> None:
        rows = list(standings)
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("disk full")
        self._real(connection, rows)
        self.made.append(sorted(row.group for row in rows))


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    return Writes(monkeypatch)


def test_the_numbers() -> None:
    assert (COMMIT_SECONDS, COMMIT_MESSAGES) == (0.025, 500)


async def test_500_events_do_not_wait_for_the_25_ms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: Writes
) -> None:
    monkeypatch.setattr("exporter.queues.commit_timing.COMMIT_SECONDS", 1e6)
    async with open_journal(tmp_path / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue:
        await queue.publish(events(600))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 600)
            for message in taken[:499]:
                subscription.settle(message)
            await asyncio.sleep(0.2)
            assert writes.made == []

            subscription.settle(taken[499])
            async with asyncio.timeout(30):
                while await settled_lag(queue, "g") != 100:  # noqa: ASYNC110 - only asking again shows it
                    await asyncio.sleep(0.01)


async def test_all_groups_of_a_process_are_one_transaction(tmp_path: Path, writes: Writes) -> None:
    async with open_journal(tmp_path / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("a", "earliest") as a, queue.subscribe("b", "earliest") as b:
            for subscription in (a, b):
                for message in await take(subscription, 3):
                    subscription.settle(message)
            await soon(a.commit())
            assert writes.made == [["a", "b"]]
            assert await settled_lag(queue, "b") == 0


async def test_what_could_not_be_written_is_written_later_although_nothing_else_settles(
    tmp_path: Path, writes: Writes
) -> None:
    async with open_journal(tmp_path / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 3)
            writes.failures = 2
            for message in taken:
                subscription.settle(message)
            async with asyncio.timeout(30):
                while await settled_lag(queue, "g"):  # noqa: ASYNC110 - only asking again shows it
                    await asyncio.sleep(0.01)
            assert writes.failures == 0


async def test_whoever_reads_is_told_that_positions_cannot_be_written(tmp_path: Path, writes: Writes) -> None:
    """Else a dataflow delivers on and on what a restart would deliver again."""
    async with open_journal(tmp_path / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 3)
            receiving = asyncio.ensure_future(subscription.receive(10))
            writes.failures = 1_000_000
            subscription.settle(taken[0])
            with pytest.raises(QueueUnavailable, match="disk full"):
                await soon(receiving)
            writes.failures = 0


async def test_a_reader_that_has_nothing_to_do_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a quiet group would be taken for one that nobody reads."""
    monkeypatch.setattr("exporter.queues.journal.upkeep._SEEN_SECONDS", 0.05)
    monkeypatch.setattr("exporter.queues.journal.upkeep._LOOK_SECONDS", 0.05)
    async with (
        open_journal(tmp_path / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue,
        queue.subscribe("g", "earliest"),
    ):
        [begun] = await queue.positions()
        async with asyncio.timeout(30):
            while True:
                [now] = await queue.positions()
                if (now.seen_at or 0.0) > (begun.seen_at or 0.0):
                    break
                await asyncio.sleep(0.02)
