"""How long a journal keeps what every group has passed, and going back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import apsw
import pytest
from contract import events, numbers, soon, take
from sweeps import Sweeps

from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.port import Outgoing, SeekResult, Subscription

pytestmark = pytest.mark.usefixtures("sweeps")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def journal(
    path: Path, retain_seconds: float, max_bytes: int = 10**9, warn: Callable[[str], Any] = pytest.fail
) -> AbstractAsyncContextManager[JournalQueue]:
    return open_journal(path, max_bytes=max_bytes, groups=("g",), warn=warn, retain_seconds=retain_seconds)


def look(path: Path, statement: str) -> Any:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(statement).get
    finally:
        connection.close()


def kept(path: Path) -> int:
    found: int = look(path, "SELECT count(*) FROM events")
    return found


async def until(probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not probe():  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.05)


async def settle_all(subscription: Subscription, count: int) -> None:
    for message in await take(subscription, count):
        subscription.settle(message)
    await soon(subscription.commit())


async def test_what_was_passed_is_kept_for_so_long_and_can_be_gone_back_to(path: Path, sweeps: Sweeps) -> None:
    async with journal(path, 3600.0) as queue:
        async with queue.subscribe("g", "earliest") as subscription:
            await queue.publish(events(20))
            await settle_all(subscription, 20)
            await until(lambda: look(path, "SELECT max(position) FROM passed") == 20)
            await sweeps.catch_up()
            assert kept(path) == 20
        assert await queue.seek("g", 11) == [SeekResult("0", 11)]
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 10)) == list(range(10, 20))


async def test_it_goes_when_it_was_kept_for_so_long_since_it_was_passed(path: Path) -> None:
    async with journal(path, 3600.0) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(10))
        await settle_all(subscription, 10)
        await until(lambda: look(path, "SELECT max(position) FROM passed") == 10)
        await queue.publish(events(5, begin=10))
        look(path, "UPDATE block_0 SET taken_at = taken_at - 100000")  # it waited for long before it was passed
        await settle_all(subscription, 3)
        look(path, "UPDATE passed SET at = at - 3601")
        await until(lambda: kept(path) == 5)
        await until(lambda: look(path, "SELECT group_concat(position) FROM passed") == "10,13")
        look(path, "UPDATE passed SET at = at - 3601")
        await until(lambda: kept(path) == 2)


async def test_a_clock_that_was_set_back_keeps_nothing_for_ever(path: Path) -> None:
    async with journal(path, 1.0) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(3))
        await settle_all(subscription, 3)
        await until(lambda: look(path, "SELECT count(*) FROM passed") == 1)
        look(path, "UPDATE passed SET at = at + 1000000")
        await until(lambda: kept(path) == 0)


async def test_a_journal_that_is_nearly_full_drops_what_was_read_first(path: Path) -> None:
    big = [Outgoing(None, b"x" * 10_000)] * 10
    async with (
        journal(path, 3600.0, max_bytes=1_000_000) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        for _ in range(40):
            await queue.publish(big)
            await settle_all(subscription, 10)
            if look(path, "PRAGMA page_count") * 4096 > 700_000:
                await until(lambda: kept(path) <= 76)
        await queue.publish(events(1))


async def test_what_a_group_that_went_back_needs_is_kept(path: Path, sweeps: Sweeps) -> None:
    async with journal(path, 3600.0) as queue:
        async with queue.subscribe("g", "earliest") as subscription:
            await queue.publish(events(10))
            await settle_all(subscription, 10)
            await until(lambda: look(path, "SELECT max(position) FROM passed") == 10)
        await queue.seek("g", 4)
        look(path, "UPDATE passed SET at = at - 7200")
        await until(lambda: kept(path) == 7)
        await sweeps.catch_up()
        assert kept(path) == 7
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 7)) == list(range(3, 10))


async def test_a_seek_to_what_is_gone_says_so_and_lag_returns_to_0(path: Path) -> None:
    async with journal(path, 0.0) as queue:
        async with queue.subscribe("g", "earliest") as subscription:
            await queue.publish(events(10))
            await settle_all(subscription, 10)
            await until(lambda: kept(path) == 0)
        assert await queue.seek("g", 3) == [SeekResult("0", 11, "gone")]
        assert await queue.seek("g", "earliest") == [SeekResult("0", 11)]
        async with queue.subscribe("g", "earliest") as subscription:
            assert subscription.lag().messages == 0
            [place] = await queue.positions()
            assert (place.settled_to, place.lag) == (10, 0)


async def test_lag_of_a_group_whose_next_events_were_deleted_counts_those_that_there_are(path: Path) -> None:
    """One that another version moved, or that was given up for a while."""
    warnings: list[str] = []
    async with journal(path, 0.0, warn=warnings.append) as queue:
        async with queue.subscribe("g", "earliest") as subscription:
            await queue.publish(events(10))
            await settle_all(subscription, 8)
            await until(lambda: kept(path) == 2)
        look(path, "UPDATE positions SET settled_to = 2, ranges = x'0301'")  # and 5 and 6
        async with queue.subscribe("g", "earliest") as subscription:
            assert subscription.lag().messages == 2
            assert numbers(await take(subscription, 2)) == [8, 9]
        assert warnings == ["group g: events 3 to 8 were deleted before it read them"]
