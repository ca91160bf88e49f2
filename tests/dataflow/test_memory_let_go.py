"""A dataflow that has ended is gone at once, with a window full of exports, and not at a rare collection."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.outbox.limits import Limits
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.profile.event.change import Change
from exporter.profile.malformed import Malformed
from exporter.queues.memory import open_memory


class Delay:
    """Only the outbox has it. (What is compiled takes no weak references.)"""

    def __call__(self, _: int) -> float:
        return 60.0


class Build:
    """Only the parts have it."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._build = dependencies.build

    def __call__(self, change: Change) -> bytes | Malformed:
        return self._build(change)


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_nothing_of_it_stays(tmp_path: Path) -> None:
    kept: list[weakref.ref[object]] = []

    def dependencies(real: Dependencies) -> Dependencies:
        delay, build = Delay(), Build(real)
        kept.extend((weakref.ref(delay), weakref.ref(build)))
        limits = Limits(2, delay, Delay(), 1e6, 16, 1000, 1 << 24, 3600.0, 100)
        return replace(real, build=build, outbox=Outbox(limits, Pool(1 << 30).join()))

    async def answer(request: Request) -> Outcome:
        """Some are delivered, some rejected, some wait for a retry, and many are in flight or wait for their turn."""
        number = len(endpoint.requests)
        if number > 15:
            await asyncio.Event().wait()
        return OK if number <= 5 else Answer(422 if number <= 10 else 503, {}, b"")

    endpoint = Endpoint(answer)
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        async with flowing(queue, tmp_path, endpoint, dependencies=dependencies, drain_seconds=0.0) as flow:
            await flow.publish(b"{", *(event(number, f"p{number}") for number in range(500)))
            while not (flow.flow.dependencies.outbox.events > 400 and endpoint.in_flight):  # noqa: ASYNC110 - else held
                await asyncio.sleep(0.005)
            kept.append(weakref.ref(flow.flow._recorder))
        flow.flow.let_go()
        del flow
        await until(lambda: not any(each() for each in kept))  # what was cancelled goes in the turns that follow
