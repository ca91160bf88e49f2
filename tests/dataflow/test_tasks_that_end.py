"""Tasks and timers of a dataflow that end by what nobody foresaw: nothing stays in flight for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.daemon.failures import causes
from exporter.dataflow.dependencies import Clock, Dependencies
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.letter import Letter
from exporter.tasks.lifetimes import EndedByItself


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


async def test_an_attempt_that_something_else_cancelled_is_over(queue: Queue, tmp_path: Path) -> None:
    async def cancelled_once(_: Request) -> Outcome:
        if len(endpoint.requests) == 1:
            raise asyncio.CancelledError
        return OK

    endpoint = Endpoint(cancelled_once)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1), event(2))
        await flow.settled()
        assert endpoint.versions[0] == 1
        assert endpoint.versions[-1] == 2, "its profile goes on"
        assert flow.flow.dependencies.outbox.in_flight == 0


async def test_a_timer_that_fails_ends_the_dataflow(queue: Queue, tmp_path: Path) -> None:
    asked_while_failing = 0
    failing = False

    def monotonic() -> float:
        nonlocal asked_while_failing
        if failing:
            asked_while_failing += 1
            raise LookupError
        return time.monotonic()

    async def refuse(_: Request) -> Outcome:
        return Answer(503, {}, b"")

    def ticking(dependencies: Dependencies) -> Dependencies:
        return replace(dependencies, clock=Clock(monotonic, time.time))

    async def run() -> None:
        nonlocal failing
        async with flowing(queue, tmp_path, Endpoint(refuse), dependencies=ticking, retries=(0.5, 0.5)) as flow:
            await flow.publish(event(1))
            await until(lambda: flow.endpoint.requests and not flow.flow.dependencies.outbox.in_flight)
            failing = True
            await until(lambda: asked_while_failing)
            await until(flow.running.done)
            failing = False

    assert await _ends_of(run()) == {LookupError}


class _CancelledBy:
    """Letters whose question for replays is cancelled by something else."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    async def requested(self, _: int) -> list[Letter]:
        raise asyncio.CancelledError


async def test_a_task_that_something_else_cancelled_ends_the_dataflow(queue: Queue, tmp_path: Path) -> None:
    async def run() -> None:
        async with flowing(queue, tmp_path, letters=_CancelledBy) as flow:
            await until(flow.running.done)

    assert await _ends_of(run()) == {EndedByItself}


async def _ends_of(run: Coroutine[Any, Any, None]) -> set[type[BaseException]]:
    try:
        await run
    except ExceptionGroup as errors:
        return {type(cause) for cause in causes(errors)}
    return set()
