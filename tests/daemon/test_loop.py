"""The daemon's event loop connects to plain addresses without the threads that look names up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from typing import Any

import pytest
from names import Found, at, stand_in

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


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_to_a_name_is_made_without_the_threads_of_the_library(
    tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And to the address that listens, where the name has others."""
    asked: list[str] = []

    async def connect() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        def look_up(host: str) -> Found:
            asked.append(host)
            return at(port, "127.0.0.9", "127.0.0.1")

        stand_in(monkeypatch, look_up)
        context = ssl.create_default_context() if tls else None
        async with server:
            try:
                # uvloop's own look-up would not find this name.
                reader, writer = await asyncio.open_connection("broker.invalid", port, ssl=context)
            except OSError:
                assert tls, "the server closes without a handshake"
                return
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(connect())
    assert asked == ["broker.invalid"]


def test_the_executor_is_closed_though_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(asyncio.to_thread(threading.active_count)) > 0
        monkeypatch.setattr(threading.Thread, "start", none)


async def _looked_up(name: str) -> list[Any]:
    return await asyncio.get_running_loop().getaddrinfo(name, 80, type=socket.SOCK_STREAM)
