"""The store of dead letters cannot be read: wait, try again, send nothing that may have its letter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.dataflow.replays import MOST
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.dataflow_letters import DataflowLetters, every_lane
from exporter.state.kinds import open_state
from exporter.state.letter import Filter
from exporter.state.port import StateUnavailable
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Unreadable:
    """Letters of which nothing can be read while ``broken``."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real
        self.broken = False
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def open(self, ours: Callable[[str], bool] = every_lane) -> None:
        self._refuse()
        await self._real.open(ours)

    async def kept(self, lane: str, positions: Sequence[int]) -> frozenset[int]:
        self._refuse()
        return await self._real.kept(lane, positions)

    def _refuse(self) -> None:
        if self.broken:
            self.tries += 1
            raise StateUnavailable("locked")


class Wrap:
    """Makes them, and knows the ones that were made."""

    def __init__(self, *, broken: bool = False) -> None:
        self.made: list[Unreadable] = []
        self._broken = broken

    def __call__(self, real: DataflowLetters) -> Any:
        self.made.append(Unreadable(real))
        self.made[-1].broken = self._broken
        return self.made[-1]


async def test_at_the_start(queue: Queue, tmp_path: Path) -> None:
    wrap = Wrap(broken=True)
    async with flowing(queue, tmp_path, letters=wrap) as flow:
        await flow.publish(event(1))
        await until(lambda: wrap.made and wrap.made[0].tries > 2)
        assert flow.flow.dependencies.outbox.reasons == {"state"}
        assert flow.endpoint.requests == []

        wrap.made[0].broken = False
        await flow.settled()
        assert flow.endpoint.versions == [1]
        assert not flow.flow.dependencies.outbox.reasons


async def test_when_events_come(queue: Queue, tmp_path: Path) -> None:
    wrap = Wrap()
    async with flowing(queue, tmp_path, letters=wrap) as flow:
        await until(lambda: flow.flow.state == "running")
        wrap.made[0].broken = True
        await flow.publish(event(1))
        await until(lambda: wrap.made[0].tries > 2)
        assert flow.flow.dependencies.outbox.reasons == {"state"}
        assert flow.endpoint.requests == []

        wrap.made[0].broken = False
        await flow.settled()
        assert flow.endpoint.versions == [1]
        assert not flow.flow.dependencies.outbox.reasons


async def test_of_many_replays_only_so_many_are_in_hand(queue: Queue, tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def reject(request: Request) -> Outcome:
        return Answer(422, {}, b"no")

    async def wait(request: Request) -> Outcome:
        await gate.wait()
        return OK

    endpoint = Endpoint(reject)
    async with flowing(queue, tmp_path, endpoint, pause_after_rejections=0) as flow:
        await flow.publish(*(event(n, f"p{n}") for n in range(MOST + 50)))
        await flow.settled()
        endpoint.answers = wait
        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
            await state.letters.ask(Filter(), superseded=False)
        await until(lambda: endpoint.in_flight)
        assert flow.flow.dependencies.outbox.events == MOST

        gate.set()
        await until(lambda: flow.letters.count() == 0)
