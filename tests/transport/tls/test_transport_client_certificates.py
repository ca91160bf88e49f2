"""Client certificates: presented where one is configured; refused, the request never went out.

With TLS 1.3 the refusal comes after our side of the handshake, and so meets the request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest
from certificates import Authority, Pair
from loopback import Peer, repeats, serving
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer, NoAnswer, Unreachable
from exporter.sections.tls import Tls
from exporter.transport.lean.dialling import Dialler
from exporter.transport.over_aiohttp.connection import Connector
from exporter.transport.over_aiohttp.transport import AiohttpTransport

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
Presented = Literal["none", "of another authority", "expired"]
#: A server that has refused reads on, or closes: with the request unread, or before it was written. Or it shakes
#: hands, and resets the connection then.
Ending = Literal["reads on", "closes on the request", "closes at once", "resets"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def demanding(authority: Authority) -> ssl.SSLContext:
    """A server's context that demands a certificate of the authority."""
    return authority.server_context(authority.sign("127.0.0.1"), demand_certificate=True)


def presented(what: Presented, authority: Authority, folder: Path) -> Pair | None:
    match what:
        case "none":
            return None
        case "of another authority":
            return Authority(folder, "another").sign(name="client")
        case "expired":
            return authority.sign(name="client", expired=True)


def files(authority: Authority, client: Pair | None) -> Tls:
    return Tls(
        ca_file=authority.certificate,
        client_cert_file=client.certificate if client else None,
        client_key_file=client.key if client else None,
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_configured_one_is_presented(
    opening: Opening, authority: Authority, demanding: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    demanding.maximum_version = version
    async with (
        serving(repeats(), tls=demanding) as server,
        opening(tls=files(authority, authority.sign(name="client"))) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert isinstance(outcome, Answer)


@pytest.mark.parametrize("size", [10, 500_000], ids=["small", "large"])
@pytest.mark.parametrize("ending", ["reads on", "closes on the request"])
@pytest.mark.parametrize("what", ["none", "of another authority", "expired"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_one_that_is_refused_is_the_destinations(
    opening: Opening,
    authority: Authority,
    demanding: ssl.SSLContext,
    tmp_path: Path,
    version: ssl.TLSVersion,
    what: Presented,
    ending: Ending,
    size: int,
) -> None:
    demanding.maximum_version = version
    client = presented(what, authority, tmp_path)
    async with refusing(demanding, ending) as url, opening(tls=files(authority, client)) as transport:
        outcome = await transport.send(post(url, b"x" * size))

    assert isinstance(outcome, Unreachable)
    assert outcome.reason.startswith("TLS: ")
    assert "alert" in outcome.reason


@pytest.mark.parametrize("ending", ["closes at once", "resets"])
@pytest.mark.parametrize("size", [10, 500_000], ids=["small", "large"])
async def test_the_refusal_may_be_here_before_the_request_is_written(
    opening: Opening,
    authority: Authority,
    demanding: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    ending: Ending,
) -> None:
    """A connection that is reset by then takes no write, and a write that fails would hide why."""
    late(monkeypatch, Dialler, "dial")
    late(monkeypatch, Connector, "connect")
    client = authority.sign(name="client") if ending == "resets" else None
    async with refusing(demanding, ending) as url, opening(tls=files(authority, client)) as transport:
        outcome = await transport.send(post(url, b"x" * size))

    closed, required = Unreachable("TLS: connection closed"), Unreachable("TLS: tlsv13 alert certificate required")
    # aiohttp writes whatever the state of its connection.
    hides = isinstance(transport, AiohttpTransport) and outcome == closed
    assert outcome == (closed if ending == "resets" or hides else required)


def late(monkeypatch: pytest.MonkeyPatch, owner: type, connects: str) -> None:
    """Have the whole event loop stand still when a connection was made, as a busy one does."""
    real: Callable[..., Awaitable[Any]] = getattr(owner, connects)

    async def waits(*arguments: Any, **more: Any) -> Any:
        made = await real(*arguments, **more)
        # uvloop writes the end of our handshake when this turn of the loop is over.
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251 - that nothing is read meanwhile is the point
        return made

    monkeypatch.setattr(owner, connects, waits)


async def test_a_server_that_closes_without_a_word_may_have_read_the_request(
    opening: Opening, authority: Authority, demanding: ssl.SSLContext
) -> None:
    """Deliberate: asyncio's TLS servers and Node's may refuse like this, and so do those end that a request kills."""
    async with (
        serving(repeats(), tls=demanding) as server,
        opening(tls=files(authority, None)) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert isinstance(outcome, NoAnswer)


async def test_what_breaks_tls_later_is_no_refusal(opening: Opening, authority: Authority) -> None:
    """The request was read when a server answers below TLS: only its alert says that nothing was."""

    async def breaks(peer: Peer) -> None:
        await peer.request()
        raw = peer.writer.get_extra_info("socket").dup()
        with raw:
            raw.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await peer.silence()

    async with (
        serving(breaks, tls=authority.server_context(authority.sign("127.0.0.1"))) as server,
        opening(tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert outcome == NoAnswer("connection closed before an answer came")


@asynccontextmanager
async def refusing(tls: ssl.SSLContext, ending: Ending) -> AsyncIterator[str]:
    """The URL of a server that takes one connection. Not asyncio's, which says nothing when it refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LONG)
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(_refuse_one, listening, tls, ending))
            yield f"https://127.0.0.1:{listening.getsockname()[1]}/"


def _refuse_one(listening: socket.socket, tls: ssl.SSLContext, ending: Ending) -> None:
    plain, _ = listening.accept()
    plain.settimeout(LONG)
    wrapped = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
    with wrapped:
        with suppress(ssl.SSLError):
            wrapped.do_handshake()
        with socket.socket(fileno=wrapped.detach()) as bare, suppress(OSError):
            bare.settimeout(LONG)
            match ending:
                case "reads on":
                    bare.shutdown(socket.SHUT_WR)
                    while bare.recv(65536):
                        pass
                case "closes on the request":
                    # What is unread of the handshake is shorter than any request.
                    while 0 < len(bare.recv(65536)) < 100:
                        pass
                case "closes at once":
                    pass
                case "resets":
                    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
