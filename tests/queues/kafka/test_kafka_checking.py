"""Many dataflows that ask whether the queue is back are one question to the brokers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from exporter.queues.kafka.check.shared import SharedCheck
from exporter.queues.port import QueueUnavailable


class Asked:
    """What is asked of the brokers: waits for ``gate``, then fails with ``failure``, if any."""

    def __init__(self) -> None:
        self.times = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: str | None = None
        self.now = 100.0

    async def __call__(self) -> None:
        self.times += 1
        await self.gate.wait()
        if self.failure is not None:
            raise QueueUnavailable(self.failure)

    @property
    def clock(self) -> Callable[[], float]:
        return lambda: self.now


async def test_who_asks_within_a_second_gets_the_same_answer() -> None:
    asked = Asked()
    check = SharedCheck(asked, asked.clock)
    asked.failure = "away"
    for _ in range(3):
        with pytest.raises(QueueUnavailable, match="away"):
            await check()
        asked.now += 0.3
    assert asked.times == 1
    asked.failure = None
    asked.now += 0.3
    await check()
    assert asked.times == 2


async def test_an_answer_that_was_long_in_coming_is_not_taken_for_a_new_one() -> None:
    asked = Asked()
    check = SharedCheck(asked, asked.clock)
    asked.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(check())
        await asyncio.sleep(0)
        asked.now += 15.0
        later = [tasks.create_task(check()) for _ in range(50)]
        await asyncio.sleep(0)
        asked.gate.set()
    assert all(each.done() for each in later)
    assert asked.times == 2


async def test_who_gives_up_asking_leaves_it_to_the_next() -> None:
    asked = Asked()
    check = SharedCheck(asked, asked.clock)
    asked.gate.clear()
    first = asyncio.ensure_future(check())
    second = asyncio.ensure_future(check())
    await asyncio.sleep(0)
    first.cancel()
    asked.gate.set()
    async with asyncio.timeout(10):
        await second
    assert asked.times == 2
