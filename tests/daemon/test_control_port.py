"""The port of the control plane: what is no HTTP, or comes to nothing, is told in the shape that clients know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from exporter.daemon.serving.control import Control, serving_control
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane
from exporter.source.control.request import Request
from exporter.source.control.routes import Reads, Route, Routes
from exporter.source.settings.serve import Api

MOST = 100
POST = b"POST /made HTTP/1.1\r\nHost: localhost\r\n"


async def reply(request: Request) -> Answer:
    if request.body == b"bug":
        raise LookupError
    return Answer(200, b"{}")


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a control plane of which bodies are at most ``MOST`` bytes long."""
    taking: Any = SimpleNamespace(plane=SimpleNamespace(max_body=MOST))
    routes = Routes([Route("POST", "/made", "make", "Make it.", reply, Reads.JSON)])
    plane = ControlPlane(Gateway(None, (), (), ("prod",)), routes)
    control = Control(plane, taking, frozenset({"localhost"}), lambda: ("",), lambda _: None)
    async with serving_control(control, Api(port=0), 1.0) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answered(sent: bytes) -> tuple[int, Any]:
    """Status and body of what comes until the connection ends, which it does."""
    async with connected() as (reader, writer):
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(body)


@pytest.mark.parametrize(
    ("sent", "status", "details"),
    [
        (b"NONSENSE\r\n\r\n", 400, "Invalid method encountered"),
        (b"\x16\x03\x01\x02\x00\x01", 400, "Received HTTPS traffic on an HTTP port"),
        (
            b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
            "Got more than 8190 bytes when reading",
        ),
        (POST + b"Authorization: " + b"x" * 9000 + b"\r\n\r\n", 400, "Got more than 8190 bytes when reading"),
        (POST + b"X: x\r\n" * 200 + b"\r\n", 400, "Too many headers received"),
        (POST + b"Host: other\r\n\r\n", 400, "Duplicate 'Host' header found."),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "Duplicate Content-Length"),
        (
            POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "Transfer-Encoding can't be present with Content-Length",
        ),
        (POST + b"Content-Length: x\r\n\r\n", 400, "Invalid character in Content-Length"),
        (POST + b"Content-Length: 3\r\n\r\nbug", 500, "The exporter could not answer; its log says more"),
    ],
)
async def test_what_cannot_be_answered_has_the_shape_of_errors(sent: bytes, status: int, details: str) -> None:
    answer, body = await answered(sent)
    assert answer == status
    words = {400: "Bad Request", 500: "Internal Server Error"}[status]
    assert body == {
        "errorCode": f"1{status}-{status}",
        "errorMessage": words,
        "errorDetails": details,
        "status": status,
    }


async def test_what_says_that_it_is_too_long_is_not_asked_for() -> None:
    expecting = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    code, body = await answered(expecting % (MOST + 1))
    assert (code, body["errorCode"]) == (413, "1413-413")
    async with connected() as (reader, writer):
        writer.write(expecting % MOST)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b" " * MOST)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
