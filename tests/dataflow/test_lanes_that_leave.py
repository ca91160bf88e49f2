"""A lane that is taken away with notice: what has ended by then is settled and committed first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fake_log import FakeLog
from flowing import OK, Endpoint, event, flowing, until

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.port import Outgoing
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.letter import NewLetter


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


async def test_a_delivery_whose_mark_is_on_its_way_into_the_store(tmp_path: Path) -> None:
    """Else its next reader delivers it again, although its answer had come."""
    gated: list[Gated] = []

    def wrap(real: DataflowLetters) -> Any:
        gated.append(Gated(real))
        return gated[0]

    async def reject_first(request: Request) -> Outcome:
        return Answer(422, {}, b"no") if len(endpoint.requests) == 1 else OK

    endpoint = Endpoint(reject_first)
    log = FakeLog(lanes=1)
    async with flowing(log, tmp_path, endpoint, letters=wrap) as flow:
        await log.publish([Outgoing("p", event(1))])
        await flow.settled()
        gated[0].gate.clear()
        await log.publish([Outgoing("p", event(2))])
        await until(lambda: gated[0].waiting)
        log.take("exporter.d", "0", planned=True)
        await until(lambda: any(line["event"] == "lane lost" for line in flow.logs))
        await asyncio.sleep(0.1)
        gated[0].gate.set()
        await until(lambda: not gated[0].waiting)
        await asyncio.sleep(0.1)
        log.give("exporter.d", "0")
        await flow.settled()

        assert endpoint.versions == [1, 2]


async def test_an_event_that_is_becoming_a_dead_letter_without_a_turn(tmp_path: Path) -> None:
    gated: list[Gated] = []

    def wrap(real: DataflowLetters) -> Any:
        gated.append(Gated(real))
        return gated[0]

    log = FakeLog(lanes=1)
    async with flowing(log, tmp_path, letters=wrap) as flow:
        await until(lambda: flow.flow.state == "running")
        gated[0].gate.clear()
        await log.publish([Outgoing("p", b"{")])
        await until(lambda: gated[0].waiting)
        log.take("exporter.d", "0", planned=True)
        await until(lambda: any(line["event"] == "lane lost" for line in flow.logs))
        await asyncio.sleep(0.1)
        gated[0].gate.set()
        await until(lambda: flow.letters.count() == 1)
        await asyncio.sleep(0.1)

        assert [position.lag for position in await log.positions()] == [0]
        log.give("exporter.d", "0")
        await flow.settled()


async def test_an_answer_that_comes_when_the_lane_was_lost_and_is_back(tmp_path: Path) -> None:
    """The lane is read from the start again; what an attempt of before says of it is harmless."""
    gate = asyncio.Event()

    async def wait(request: Request) -> Outcome:
        await gate.wait()
        return OK

    log = FakeLog(lanes=1)
    endpoint = Endpoint(wait)
    async with flowing(log, tmp_path, endpoint, window_events=4, concurrency=1) as flow:
        await log.publish([Outgoing("q", event(1, "q"))])
        await until(lambda: endpoint.in_flight == 1)
        log.take("exporter.d", "0", planned=False)
        gate.set()
        log.give("exporter.d", "0")
        await flow.settled()

        assert set(endpoint.versions) == {1}


async def test_a_lane_that_is_lost_while_the_window_is_full(tmp_path: Path) -> None:
    """A full window reads nothing, but must hear that what it holds is somebody else's now."""

    async def never(request: Request) -> Outcome:
        await asyncio.Event().wait()
        return OK

    log = FakeLog(lanes=1)
    async with flowing(log, tmp_path, Endpoint(never), window_events=4, drain_seconds=0.0) as flow:
        await log.publish([Outgoing(None, event(n, f"p{n}")) for n in range(10)])
        await until(lambda: flow.flow.dependencies.outbox.events == 4)
        await until(lambda: flow.endpoint.in_flight == 1)
        log.take("exporter.d", "0", planned=False)
        await until(lambda: flow.flow.dependencies.outbox.events == 1)
