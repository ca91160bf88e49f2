"""When an event is acknowledged, and what must be durable before (contract.md#guarantees, 1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from flowing import OK, Endpoint, Flowing, event, flowing, until

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.kinds import open_state
from exporter.state.letter import Filter, NewLetter
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Gated:
    """Letters whose writes wait for ``gate``."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[tuple[str, str, int]] = ()) -> Any:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return await self._real.put(letters, supersede)


class Gates:
    """Makes them, and knows the one that was made."""

    made: Gated

    def __call__(self, real: DataflowLetters) -> Any:
        self.made = Gated(real)
        return self.made


def malformed(number: int, profile: str = "p") -> bytes:
    body = orjson.loads(event(number, profile))
    body["profile"]["segmentMembership"] = 7
    return orjson.dumps(body)


async def lag(queue: Queue) -> int:
    return sum(position.lag or 0 for position in await queue.positions())


async def superseded(folder: Path) -> dict[str, bool]:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        return {letter.event_id: letter.superseded for letter in await state.letters.page(Filter(), after=0, limit=99)}


async def test_a_malformed_event_is_settled_when_its_letter_is_durable(queue: Queue, tmp_path: Path) -> None:
    gates = Gates()
    async with flowing(queue, tmp_path, letters=gates) as flow:
        await until(lambda: flow.flow.state == "running")
        gates.made.gate.clear()
        await flow.publish(b"{")
        await until(lambda: gates.made.waiting)
        assert await lag(queue) == 1

        gates.made.gate.set()
        await flow.settled()


async def test_a_delivery_is_settled_when_its_mark_is_durable(queue: Queue, tmp_path: Path) -> None:
    """Else a crash between them leaves an old state that a replay would send over the newer one."""

    async def reject_first(request: Request) -> Outcome:
        return Answer(422, {}, b"no") if len(endpoint.requests) == 1 else OK

    endpoint, gates = Endpoint(reject_first), Gates()
    async with flowing(queue, tmp_path, endpoint, letters=gates) as flow:
        await flow.publish(event(1))
        await flow.settled()
        gates.made.gate.clear()
        await flow.publish(event(2))
        await until(lambda: gates.made.waiting)
        assert await lag(queue) == 1

        gates.made.gate.set()
        await flow.settled()
    assert await superseded(tmp_path) == {"e1": True}


async def test_a_letter_that_still_waits_for_the_store_is_superseded_too(queue: Queue, tmp_path: Path) -> None:
    gates = Gates()
    async with flowing(queue, tmp_path, letters=gates) as flow:
        await until(lambda: flow.flow.state == "running")
        gates.made.gate.clear()
        await flow.publish(b"{")
        await until(lambda: gates.made.waiting)
        await flow.publish(malformed(1), event(2))
        await until(lambda: flow.endpoint.versions == [2])
        gates.made.gate.set()
        await flow.settled()

    assert (await superseded(tmp_path))["e1"]


async def test_an_older_delivery_does_not_supersede_what_came_later(queue: Queue, tmp_path: Path) -> None:
    """A malformed event needs no turn in its profile's queue: what was before it is delivered after it was buried."""
    gate = asyncio.Event()

    async def wait(request: Request) -> Outcome:
        await gate.wait()
        return OK

    async with flowing(queue, tmp_path, Endpoint(wait)) as flow:
        await flow.publish(event(1), malformed(2))
        await until(lambda: flow.letters.count() == 1)
        gate.set()
        await flow.settled()

    assert await superseded(tmp_path) == {"e2": False}


async def test_a_drain_waits_for_letters_that_are_being_stored(queue: Queue, tmp_path: Path) -> None:
    gates = Gates()
    flow: Flowing
    async with flowing(queue, tmp_path, letters=gates) as flow:
        await until(lambda: flow.flow.state == "running")
        gates.made.gate.clear()
        await flow.publish(b"{")
        await until(lambda: gates.made.waiting)
        flow.flow.stop(1000.0)
        await until(lambda: flow.flow.state == "draining")
        await asyncio.sleep(0.05)
        assert not flow.running.done()

        gates.made.gate.set()
        assert await flow.running
    assert await lag(queue) == 0
