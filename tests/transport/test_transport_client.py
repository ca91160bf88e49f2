"""What aiohttp's client can raise that no socket brings about at will: each becomes an outcome."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from aioresponses import aioresponses
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from exporter.messages.exchange import Answer, NoAnswer, Request, Unreachable
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport

URL_TEXT = "https://partner.example.com/profiles?token=hidden"
REQUEST = Request(URL_TEXT, (("Authorization", "Bearer hidden"),), (), b"hidden")
INFO = RequestInfo(
    URL(URL_TEXT), "POST", CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer hidden"})), URL(URL_TEXT)
)
KEY = ConnectionKey("partner.example.com", 443, True, True, None, None, None)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with open_transport("aiohttp", TransportOptions(timeout_seconds=30, concurrency=1)) as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[aioresponses]:
    with aioresponses() as mocked:
        yield mocked


async def test_an_answer_is_passed_on(transport: Transport, client: aioresponses) -> None:
    client.post(URL_TEXT, status=429, body=b"slow down", headers={"Retry-After": "3"})

    outcome = await transport.send(REQUEST)

    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.body, outcome.headers["retry-after"]) == (429, b"slow down", "3")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(transport: Transport, client: aioresponses, status: int) -> None:
    """Nor can there be too many of them."""
    client.post(URL_TEXT, status=status, headers={"Location": URL_TEXT}, repeat=True)

    outcome = await transport.send(REQUEST)

    assert isinstance(outcome, Answer)
    assert outcome.status == status
    assert sum(len(calls) for calls in client.requests.values()) == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ServerTimeoutError(), NoAnswer("no answer in time")),
        (aiohttp.SocketTimeoutError(), NoAnswer("no answer in time")),
        (TimeoutError(), NoAnswer("no answer in time")),
        (aiohttp.ServerDisconnectedError(), NoAnswer("connection closed before an answer came")),
        (aiohttp.ClientPayloadError("hidden"), NoAnswer("connection lost before an answer came")),
        (aiohttp.ClientResponseError(INFO, (), status=400, message="hidden"), NoAnswer("the answer is not HTTP")),
        (aiohttp.ClientOSError(errno.ECONNRESET, "hidden"), NoAnswer("connection reset by peer")),
        (aiohttp.ClientOSError(errno.EPIPE, "hidden"), NoAnswer("broken pipe")),
        (aiohttp.ClientOSError(errno.ETIMEDOUT, "hidden"), NoAnswer("connection timed out")),
        (aiohttp.ClientConnectionResetError("hidden"), NoAnswer("connection reset by peer")),
        (aiohttp.ClientConnectionError("hidden"), NoAnswer("connection lost before an answer came")),
        (aiohttp.ConnectionTimeoutError("hidden"), Unreachable("connect time-out")),
        (
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_AGAIN, "Temporary failure")),
            Unreachable("DNS: Temporary failure"),
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "hidden")),
            Unreachable("no route to host"),
        ),
        (aiohttp.ClientConnectorError(KEY, OSError("Multiple exceptions: hidden")), Unreachable("cannot connect")),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("hidden")),
            Unreachable("TLS: certificate not accepted"),
        ),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "hidden")), Unreachable("TLS: handshake failed")),
        (
            aiohttp.ClientHttpProxyError(INFO, (), status=407, message="hidden"),
            Unreachable("the proxy answered 407"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_every_error_is_an_outcome_without_details(
    transport: Transport, client: aioresponses, error: Exception, expected: NoAnswer | Unreachable
) -> None:
    client.post(URL_TEXT, exception=error)

    assert await transport.send(REQUEST) == expected


async def test_a_bug_is_not_swallowed(transport: Transport, client: aioresponses) -> None:
    client.post(URL_TEXT, exception=ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        await transport.send(REQUEST)


async def test_a_cancellation_is_passed_on(transport: Transport, client: aioresponses) -> None:
    client.post(URL_TEXT, exception=asyncio.CancelledError())

    with pytest.raises(asyncio.CancelledError):
        await transport.send(REQUEST)
