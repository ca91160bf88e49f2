"""The daemon's event loop connects to plain addresses without the threads that look names up."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from exporter.daemon.process.event_loop import new_event_loop

uvloop = pytest.importorskip("uvloop", reason="this platform has no uvloop, and asyncio's loop does so by itself")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_an_address_is_not_looked_up(family: socket.AddressFamily, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(uvloop.Loop, "getaddrinfo", never, raising=False)

    async def connect() -> None:
        with socket.socket(family) as server, socket.socket(family) as client:
            server.bind((host, 0))
            server.listen()
            client.setblocking(False)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(client, server.getsockname()), 30)
            assert client.getpeername() == server.getsockname()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(connect())


def test_a_name_is_looked_up() -> None:
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        found = runner.run(_looked_up("localhost"))
    assert {address[0] for *_, address in found} <= {"127.0.0.1", "::1"}
    assert found


async def _looked_up(name: str) -> list[Any]:
    return await asyncio.get_running_loop().getaddrinfo(name, 80, type=socket.SOCK_STREAM)
