"""Attempts by callback: most of a steady stream is, whatever needs to wait is not, and none outlives its dataflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import flowing as harness
import pytest
import structlog
from flowing import OK, ByCallback, Endpoint, event, flowing, until
from loopback import OK as OK_BYTES
from loopback import Peer, serving

from exporter.daemon.failures import causes
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Outcome, Request, Unreachable
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.telemetry.tracing.port import DestinationTracing
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Done, Transport

pytestmark = pytest.mark.parametrize("sending", ["by callback"], indirect=True)


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Counting(ByCallback):
    """``ways``: whether each request came by callback or by coroutine."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.ways: list[str] = []

    async def send(self, request: Request) -> Outcome:
        self.ways.append("coroutine")
        return await super().send(request)

    def begin(self, request: Request, done: Done) -> bool:
        begun = super().begin(request, done)
        if begun:
            self.ways.append("callback")
        return begun


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch, sending: None) -> list[Counting]:
    made: list[Counting] = []

    def transport(endpoint: Endpoint) -> Transport:
        made.append(Counting(endpoint))
        return made[-1]

    monkeypatch.setattr(harness, "transport", transport)
    return made


async def test_a_coroutine_makes_the_connections_and_the_rest_goes_without(
    queue: Queue, tmp_path: Path, transports: list[Counting]
) -> None:
    async with flowing(queue, tmp_path, concurrency=4) as flow:
        await flow.publish(*(event(number, f"p{number % 50}") for number in range(500)))
        await flow.settled()
        assert flow.count("exporter_exports_total", outcome="delivered") == 500

    assert transports[0].ways.count("coroutine") <= 4
    assert transports[0].ways.count("callback") >= 496


async def test_what_is_traced_goes_by_coroutine(queue: Queue, tmp_path: Path, transports: list[Counting]) -> None:
    class Passing:
        async def send(self, request: Request, export: object, transport: Transport) -> Outcome:
            return await transport.send(request)

    def traced(dependencies: Dependencies) -> Dependencies:
        tracing: DestinationTracing = Passing()
        return replace(dependencies, tracing=tracing)

    async with flowing(queue, tmp_path, dependencies=traced) as flow:
        await flow.publish(*(event(number) for number in range(10)))
        await flow.settled()

    assert transports[0].ways == ["coroutine"] * 10


async def test_a_bug_when_an_answer_comes_ends_the_dataflow(queue: Queue, tmp_path: Path) -> None:
    async def unreachable_at_second(_: Request) -> Outcome:
        return OK if len(endpoint.requests) == 1 else Unreachable("connection refused")

    def breaks(_: object, __: str, event_dict: MutableMapping[str, Any]) -> NoReturn:
        raise LookupError if event_dict["event"] == "paused" else structlog.DropEvent

    async def run() -> None:
        async with flowing(queue, tmp_path, endpoint, dependencies=lambda real: replace(real, log=log)) as flow:
            await flow.publish(event(1))
            await flow.settled()
            await flow.publish(event(2))
            await until(flow.running.done)

    endpoint = Endpoint(unreachable_at_second)
    log = structlog.wrap_logger(
        None, processors=[breaks], wrapper_class=structlog.make_filtering_bound_logger("info")
    ).bind()
    with pytest.raises(ExceptionGroup) as raised:
        await run()
    assert {type(cause) for cause in causes(raised.value)} == {LookupError}


async def test_a_dataflow_that_is_cut_leaves_no_request_on_the_wire(queue: Queue, tmp_path: Path) -> None:
    async def silent_at_second(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK_BYTES)
        await peer.request()
        await peer.silence()

    def aimed(real: Dependencies, transport: Transport, url: str) -> Dependencies:
        prepared = prepare(Destination.model_validate({**harness.DESTINATION, "endpoint": url}))
        return replace(real, transport=transport, prepared=prepared)

    async with (
        serving(silent_at_second) as server,
        open_transport("lean", TransportOptions(timeout_seconds=60, concurrency=4)) as transport,
    ):
        async with flowing(
            queue, tmp_path, dependencies=lambda real: aimed(real, transport, server.url()), drain_seconds=0.0
        ) as flow:
            await flow.publish(event(1))
            await flow.settled()
            await flow.publish(event(2))
            await until(lambda: len(server.heard) == 2)
        # The transport is still open: the dataflow itself has let go.
        await asyncio.wait_for(server.hung_up.wait(), 30)
        assert flow.count("exporter_exports_total", outcome="delivered") == 1


async def test_nothing_is_begun_while_a_dataflow_falls_apart(queue: Queue, tmp_path: Path) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
    falling_apart = False

    async def answers_until_then(_: Request) -> Outcome:
        await asyncio.sleep(0.002)
        if falling_apart:
            raise LookupError  # comes as stale, which is for a coroutine
        return OK

    async def ends_late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)

    async def run() -> None:
        nonlocal falling_apart
        async with flowing(queue, tmp_path, endpoint) as flow:
            await flow.publish(*(event(number, f"p{number}") for number in range(2000)))
            await until(lambda: len(endpoint.requests) > 200)
            group = flow.flow._senders._tasks
            assert group is not None
            group.create_task(ends_late())
            await asyncio.sleep(0)
            falling_apart = True
            flow.running.cancel()
            begun = len(endpoint.requests)
            await asyncio.wait([flow.running])
            assert len(endpoint.requests) <= begun + 16, (
                "no more than the permits, within the turn in which it was told"
            )

    endpoint = Endpoint(answers_until_then)
    with pytest.raises(asyncio.CancelledError):
        await run()
    assert complaints == []
