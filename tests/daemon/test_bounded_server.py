"""A server that strangers can reach: half requests end, and nonsense is answered, and is no bug in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from exporter.daemon.ops.bounded_server import BoundedServer


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/bug":
        raise LookupError
    if request.path == "/lost":
        raise ConnectionResetError
    return web.Response(text="here")


@asynccontextmanager
async def connected(head_seconds: float = 30.0) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    runner = web.ServerRunner(BoundedServer(answer, head_seconds=head_seconds), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        try:
            async with asyncio.timeout(60):
                yield reader, writer
        finally:
            writer.close()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("half", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_half_a_head_is_not_waited_for_for_ever(half: bytes) -> None:
    async with connected(head_seconds=0.2) as (reader, writer):
        writer.write(half)
        assert await reader.read() == b""


async def test_a_head_that_comes_byte_by_byte_has_the_same_deadline() -> None:
    async with connected(head_seconds=0.5) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        while not reader.at_eof() and reader.exception() is None:
            writer.write(b"x")
            await asyncio.sleep(0.05)


async def test_half_a_body_is_not_waited_for_for_ever() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/9.x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
async def test_nonsense_is_answered_and_not_logged(nonsense: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (reader, writer):
        writer.write(nonsense)
        first = (await reader.read())[:12]
        assert first in (b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 200"), first
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_bug_of_ours_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET /bug HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 500")
    assert any(record.exc_info for record in caplog.records)


async def test_a_client_that_goes_in_mid_body_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    asked, over = asyncio.Event(), asyncio.Event()

    async def reading(request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        try:
            return web.Response(body=await request.read())
        finally:
            over.set()

    runner = web.ServerRunner(BoundedServer(reading), shutdown_timeout=10.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with asyncio.timeout(60):
        _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await asked.wait()
        writer.close()
        await over.wait()
        # What is in hand is waited for, so that all is logged by then.
        await runner.cleanup()
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_connection_of_our_own_that_is_lost_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET /lost HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 500")
    assert any(record.exc_info for record in caplog.records)
