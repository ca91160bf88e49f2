"""A replay that is not sent after all leaves nothing waiting, no reading, drain or lane (contract.md#dead-letters)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fake_log import FakeLog
from flowing import OK, Endpoint, Flowing, event, flowing, until

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Outgoing, Queue
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.kinds import open_state
from exporter.state.letter import Filter
from exporter.state.port import StateUnavailable
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


async def ask(folder: Path) -> None:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        await state.letters.ask(Filter(), superseded=False)


async def reject(request: Request) -> Outcome:
    return Answer(422, {}, b"no")


class Slow:
    """Letters that say only when ``gate`` opens whether a replay is superseded, and then that nobody knows."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real
        self.gate = asyncio.Event()
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    async def superseded(self, letter_id: int) -> bool:
        self.asked += 1
        await self.gate.wait()
        await self._real.superseded(letter_id)
        raise StateUnavailable("gone")

    async def requested(self, limit: int) -> object:
        return () if self.gate.is_set() else await self._real.requested(limit)


async def rejected(flow: Flowing, *bodies: bytes) -> None:
    await flow.publish(*bodies)
    await flow.settled()
    flow.endpoint.answers = Endpoint().answers


async def test_reading_goes_on(queue: Queue, tmp_path: Path) -> None:
    """So many replays of one profile that it fills its share of the window; then none of them is sent."""
    gate = asyncio.Event()

    async def wait(request: Request) -> Outcome:
        await gate.wait()
        return OK

    endpoint = Endpoint(reject)
    async with flowing(queue, tmp_path, endpoint, window_events=40) as flow:
        await rejected(flow, *(event(n) for n in range(12)))
        endpoint.answers = wait
        await flow.publish(event(20))
        await until(lambda: endpoint.in_flight == 1)
        await ask(tmp_path)
        await until(lambda: flow.flow.dependencies.outbox.events == 13)
        await flow.publish(event(30, "other"))
        await until(lambda: flow.flow.dependencies.outbox.events == 14)
        await flow.publish(event(31, "third"))
        gate.set()

        await flow.settled()
        assert endpoint.versions[-3:] == [20, 30, 31]


async def test_a_drain_does_not_wait_for_it(queue: Queue, tmp_path: Path) -> None:
    slow: list[Slow] = []

    def wrap(real: DataflowLetters) -> Any:
        slow.append(Slow(real))
        return slow[0]

    endpoint = Endpoint(reject)
    async with flowing(queue, tmp_path, endpoint, letters=wrap) as flow:
        await rejected(flow, event(1))
        await ask(tmp_path)
        await until(lambda: slow[0].asked)
        flow.flow.stop(1000.0)
        await asyncio.sleep(0.05)
        slow[0].gate.set()
        async with asyncio.timeout(30):
            assert await flow.running


async def test_a_lane_that_leaves_does_not_wait_for_it(tmp_path: Path) -> None:
    slow: list[Slow] = []

    def wrap(real: DataflowLetters) -> Any:
        slow.append(Slow(real))
        return slow[0]

    log = FakeLog(lanes=1)
    endpoint = Endpoint(reject)
    async with flowing(log, tmp_path, endpoint, letters=wrap) as flow:
        await log.publish([Outgoing("p", event(1))])
        await flow.settled()
        endpoint.answers = Endpoint().answers
        await ask(tmp_path)
        await until(lambda: slow[0].asked)
        log.take("exporter.d", "0", planned=True)
        await until(lambda: any(line["event"] == "lane lost" for line in flow.logs))
        slow[0].gate.set()
        await until(lambda: not flow.flow.dependencies.outbox.events)
        log.give("exporter.d", "0")
        await log.publish([Outgoing("p", event(2))])
        async with asyncio.timeout(30):
            await flow.settled()

        assert endpoint.versions == [1, 2]
