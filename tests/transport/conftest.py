"""The transport contract: what asks for ``opening`` runs over all, on both event loops, and leaves nothing.

On the compiled build it runs as the daemon does: over the lean transport, which alone is compiled, on uvloop.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop
from compiled_build import COMPILED, TRANSPORTS
from transport_contract import LONG, Opening

from exporter.messages.exchange import Outcome, Request
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportKind, TransportOptions
from exporter.transport.port import CallbackTransport, Stale, Transport

#: States of a socket, the first byte of Linux's ``struct tcp_info``. One that was reset or never used is closed.
LISTENING, CLOSED = 10, 7


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    names = (["uvloop"] if COMPILED else ["asyncio", "uvloop"]) if "opening" in item.fixturenames else ["asyncio"]
    return {name: loops[name] for name in names}


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Afterwards no socket is open that was not before, no task runs but the test's own, no timer waits."""
    before = sockets()
    mine = asyncio.all_tasks()
    yield
    loop = asyncio.get_running_loop()
    end = loop.time() + LONG / 6
    left: list[object] = []
    while loop.time() < end:
        # uvloop does not tell its timers.
        timers = [timer for timer in getattr(loop, "_scheduled", ()) if not timer.cancelled()]
        tasks = asyncio.all_tasks() - mine - {asyncio.current_task()}
        left = [*(sockets().keys() - before.keys()), *tasks, *timers]
        if not left:
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"left behind: {left}")


def sockets() -> dict[str, bool]:
    """The TCP sockets that this process has open, and whether each is a client's.

    A server's has the port at which one of ours listens. uvloop has sockets of other kinds, and changes them. The
    tables in /proc/net would say the same, but list all that the machine has: thousands, where other tests run.
    """
    found: dict[str, tuple[int, int]] = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        # That it is gone by now is the listing's own descriptor; and what is no TCP socket has no such state.
        with suppress(OSError):
            name = os.readlink(descriptor)  # noqa: PTH115 - what it says is no path
            if name.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(descriptor.name))) as same:
                    state = same.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
                    found[name] = state, same.getsockname()[1]
    listening = {port for state, port in found.values() if state == LISTENING}
    return {name: port not in listening for name, (state, port) in found.items() if state != CLOSED}


@asynccontextmanager
async def closing_all(kind: TransportKind, **options: Any) -> AsyncIterator[Transport]:
    """A transport that has closed every socket of its own when it is left; the server is still there by then."""
    before = sockets()
    chosen = TransportOptions(**{"timeout_seconds": LONG, "concurrency": 8, **options})
    async with open_transport(kind, chosen) as opened:
        yield opened
    open_still = [name for name, is_client in sockets().items() if is_client and name not in before]
    assert not open_still


class ByCallback:
    """Sends by callback whatever can be begun so, as a dataflow does."""

    def __init__(self, transport: CallbackTransport) -> None:
        self._transport = transport
        self.begun = 0

    async def send(self, request: Request) -> Outcome:
        ended: asyncio.Future[Outcome | Stale] = asyncio.get_running_loop().create_future()
        if not self._transport.begin(request, ended.set_result):
            return await self._transport.send(request)
        self.begun += 1
        try:
            outcome = await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._transport.give_up()
            raise
        return await self._transport.resend(request, outcome) if isinstance(outcome, Stale) else outcome


@asynccontextmanager
async def by_callback(**options: Any) -> AsyncIterator[Transport]:
    async with closing_all("lean", **options) as transport:
        assert isinstance(transport, CallbackTransport)
        yield ByCallback(transport)


@pytest.fixture(params=[*TRANSPORTS, "lean by callback"])
def opening(request: pytest.FixtureRequest, nothing_left: None) -> Opening:
    """Opens a transport; takes what ``TransportOptions`` takes, with defaults."""
    return by_callback if request.param == "lean by callback" else partial(closing_all, request.param)


@pytest.fixture
async def transport(opening: Opening) -> AsyncIterator[Transport]:
    """A transport with a generous time-out."""
    async with opening() as opened:
        yield opened
