"""The queue in memory."""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import partial
from typing import Any

import pytest
from contract import ContractOfOneOpening, Opening, events, numbers, take

from exporter.queues.kinds import open_queue
from exporter.queues.memory import MemoryQueue, MemorySettings, open_memory
from exporter.queues.port import QueueFull


@pytest.fixture
def opening() -> Opening:
    return partial(open_queue, MemorySettings(), (), pytest.fail)


class TestMemory(ContractOfOneOpening):
    """The contract, but that it ends with its one opening: another opening is another queue."""


async def opened_with(max_bytes: int, groups: Collection[str], warn: Any = pytest.fail) -> MemoryQueue:
    async with open_memory(max_bytes=max_bytes, groups=groups, warn=warn) as queue:
        return queue


async def test_a_full_queue_refuses_and_keeps_what_is_unread() -> None:
    queue = await opened_with(100, ())
    async with queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(20))
        with pytest.raises(QueueFull):
            await queue.publish(events(20))
        taken = await take(subscription, 20)
        assert numbers(taken) == list(range(20))
        for message in taken[:15]:
            subscription.settle(message)
        await queue.publish(events(10, begin=20))
        assert numbers(await take(subscription, 10)) == list(range(20, 30))


async def test_a_named_group_that_has_not_begun_keeps_everything() -> None:
    named = {"g", "later"}
    queue = await opened_with(100, named)
    async with queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(20))
        for message in await take(subscription, 20):
            subscription.settle(message)
        with pytest.raises(QueueFull):
            await queue.publish(events(20))
        named.remove("later")
        await queue.publish(events(20))


async def test_a_group_that_nobody_has_read_for_a_week_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    queue = await opened_with(100, ("g",), warnings.append)
    async with queue.subscribe("gone", "earliest"):
        pass
    async with queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(20))
        for message in await take(subscription, 20):
            subscription.settle(message)
        with pytest.raises(QueueFull):
            await queue.publish(events(20))
        assert warnings == []
        week_later = time.time() + 8 * 24 * 3600
        monkeypatch.setattr("exporter.queues.memory.time.time", lambda: week_later)
        await queue.publish(events(20))
        assert len(warnings) == 1
        assert "group gone " in warnings[0]
