"""Numbered publishing on Redis: what is too large, no memory, and kills."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from contract import Opening, all_of, each_once_in_order, events, from_number
from numbered_kills import every_number_once
from redis_server import RedisServer, needs_redis, running

from exporter.queues.kinds import open_queue
from exporter.queues.port import EventTooLarge, Outgoing, Queue, QueueFull
from exporter.queues.redis_streams.settings import RedisSettings

pytestmark = needs_redis


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def opening(redis: RedisServer) -> Opening:
    return partial(open_queue, RedisSettings.model_validate({"kind": "redis", "url": redis.url}), (), pytest.fail)


async def test_what_is_too_large_counts_as_published(redis: RedisServer, queue: Queue) -> None:
    redis.cli("CONFIG", "SET", "proto-max-bulk-len", str(1024**2))
    large = Outgoing("p0", b"x" * (1024**2 + 1))
    assert await queue.max_event_bytes("outbox") == 1024**2
    for _ in range(2):
        with pytest.raises(EventTooLarge) as refused:
            await queue.publish([*events(3), large, *events(2, begin=3), large], from_number(1))
        assert list(refused.value.indexes) == [3, 6]
    with pytest.raises(EventTooLarge):
        await queue.publish([large, large], from_number(8))
    await queue.publish([Outgoing("p0", b"p0:never")] * 3 + events(1, begin=5), from_number(7))
    assert each_once_in_order(await all_of(queue, 6), range(6), profiles=1)


async def test_more_than_a_chunk_at_once(queue: Queue) -> None:
    for count in (2100, 2400):
        await queue.publish(events(count), from_number(1))
    assert each_once_in_order(await all_of(queue, 2400), range(2400), profiles=1)


async def test_without_memory_nothing_is_published_and_no_number_counts(redis: RedisServer, queue: Queue) -> None:
    await queue.publish(events(5), from_number(1))
    redis.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(QueueFull):
            await queue.publish(events(10), from_number(1))
        await queue.publish(events(5), from_number(1))  # nothing to add
    finally:
        redis.cli("CONFIG", "SET", "maxmemory", "0")
    await queue.publish(events(10), from_number(1))
    assert each_once_in_order(await all_of(queue, 10), range(10), profiles=1)


async def test_every_number_is_there_once_after_kills(redis: RedisServer, opening: Opening, tmp_path: Path) -> None:
    await every_number_once(opening, {"kind": "redis", "url": redis.url}, tmp_path)
