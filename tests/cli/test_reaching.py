"""How an endpoint is reached step by step."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from exporter.cli.reaching import reach


async def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked up again to connect, it would keep the command from ending where the name server has gone silent."""
    asked: list[str] = []
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    real = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> Any:
        if host != "one.test":
            return real(host, *rest, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    async with server:
        steps = [step async for step in reach(f"http://one.test:{port}/", None, ssl.create_default_context(), 10.0)]

    assert [(step.what, step.ok) for step in steps] == [("dns", True), ("tcp", True)]
    assert asked == ["one.test"]
