"""Numbered publishing on the journal: in a file of an earlier exporter, without room, and through kills."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import apsw
import pytest
from contract import all_of, each_once_in_order, events, from_number, numbers, take
from numbered_kills import every_number_once

from exporter.queues.journal import tables
from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import QueueFull


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def journal(path: Path, max_bytes: int = 10**9) -> AbstractAsyncContextManager[JournalQueue]:
    return open_journal(path, max_bytes=max_bytes, groups=("g",), warn=pytest.fail)


async def published_until_full(queue: JournalQueue) -> int:
    published = 0
    while True:
        try:
            await queue.publish(events(500, begin=published), from_number(published + 1))
        except QueueFull:
            return published
        published += 500


async def test_a_journal_of_before_opens_and_takes_numbers(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("auto_vacuum", 2)
    connection.pragma("journal_mode", "wal")
    for script in tables.SCHEMA.migrations[:2]:
        connection.execute(script)
    connection.execute("INSERT INTO events (taken_at, body) VALUES (0, ?)", (b"p0:0",))
    connection.pragma("application_id", tables.SCHEMA.application_id)
    connection.pragma("user_version", 2)
    connection.close()
    async with journal(path) as queue:
        for _ in range(2):
            await queue.publish(events(9, begin=1), from_number(1))
        assert each_once_in_order(await all_of(queue, 10), range(10), profiles=1)


async def test_without_room_nothing_is_published_and_no_number_counts(path: Path) -> None:
    async with journal(path, max_bytes=200_000) as queue:
        begin = await published_until_full(queue)
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, begin):
                subscription.settle(message)
            await subscription.commit()
    async with journal(path, max_bytes=10**9) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(500, begin=begin), from_number(begin + 1))
        assert numbers(await take(subscription, 500)) == list(range(begin, begin + 500))


async def test_every_number_is_there_once_after_kills(path: Path, tmp_path: Path) -> None:
    section = {"kind": "journal", "path": str(path), "max_bytes": 10**9}
    opening = partial(open_queue, JournalSettings.model_validate(section), (), pytest.fail)
    await every_number_once(opening, section, tmp_path)
