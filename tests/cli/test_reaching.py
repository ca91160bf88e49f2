"""How an endpoint is reached step by step."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from certificates import Authority
from names import Found, at, stand_in

from exporter.cli.check.reach import reach


async def reached(
    monkeypatch: pytest.MonkeyPatch, url: str, server_tls: ssl.SSLContext | None, trusting: ssl.SSLContext
) -> tuple[list[tuple[str, bool]], list[str]]:
    """The steps to a server that ``url`` names without a port, and the names that were looked up."""
    looked_up: list[str] = []
    left = asyncio.Event()

    async def stays(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(stays, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]

    def notes(host: str) -> Found:
        looked_up.append(host)
        return at(port)

    stand_in(monkeypatch, notes)
    async with server:
        steps = [step async for step in reach(f"{url}:{port}/", None, trusting, 10.0)]
        await asyncio.wait_for(left.wait(), 30)
    return [(step.what, step.ok) for step in steps], looked_up


async def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked up again to connect, it would keep the command from ending where the name server has gone silent."""
    steps, looked_up = await reached(monkeypatch, "http://one.test", None, ssl.create_default_context())
    assert steps == [("dns", True), ("tcp", True)]
    assert looked_up == ["one.test"]


async def test_a_name_that_ends_in_a_dot_is_looked_up_with_it_and_its_certificate_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    tls = authority.server_context(authority.sign("whole.test"))
    trusting = ssl.create_default_context(cafile=str(authority.certificate))
    steps, looked_up = await reached(monkeypatch, "https://whole.test.", tls, trusting)
    assert steps == [("dns", True), ("tcp", True), ("tls", True)]
    assert looked_up == ["whole.test."]
