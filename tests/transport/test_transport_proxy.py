"""Through a proxy: tunnels and plain requests, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from certificates import Authority
from loopback import Peer, Script, closed_port, repeats, says, serving

from exporter.cli.check.reach import reach
from exporter.messages.exchange import Answer, NoAnswer, Request, Unreachable
from exporter.sections.tls import Tls
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport
from exporter.transport.tls.contexts import client_context

LONG = 30.0
NO_FILES = Tls()
CREDENTIALS = "Basic " + base64.b64encode("us:päss@".encode()).decode()


def through(
    proxy: str, *, timeout_seconds: float = LONG, tls: Tls = NO_FILES
) -> AbstractAsyncContextManager[Transport]:
    """A transport behind ``proxy``."""
    options = TransportOptions(timeout_seconds=timeout_seconds, concurrency=1, tls=tls, proxy=proxy)
    return open_transport("aiohttp", options)


def post(url: str) -> Request:
    return Request(url, (("Content-Type", "application/json"), ("Authorization", "Bearer secret")), (), b"{}")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def tunnels(peer: Peer, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
    """A script: connect to where CONNECT says and pass bytes on."""
    request = await peer.request()
    host, _, port = request.line.split()[1].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await peer.send(answer)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(peer.reader, writer))
            group.create_task(_copy(reader, peer.writer))
    finally:
        writer.transport.abort()


def proxy_url(port: int, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{port}"


async def test_an_https_endpoint_is_reached_by_a_tunnel(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        serving(repeats(), tls=authority.server_context(authority.sign("localhost"))) as endpoint,
        serving(tunnels) as proxy,
        through(proxy_url(proxy.port, "us:p%C3%A4ss%40@"), tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        url = endpoint.url("/p?q=1", scheme="https", host="localhost")
        for _ in range(2):
            assert isinstance(await transport.send(post(url)), Answer)

    (connect,) = proxy.heard
    assert connect.line == f"CONNECT localhost:{endpoint.port} HTTP/1.1"
    assert connect.header("Proxy-Authorization") == CREDENTIALS
    assert connect.header("Authorization") is None
    assert [heard.line for heard in endpoint.heard] == ["POST /p?q=1 HTTP/1.1"] * 2
    assert endpoint.heard[0].header("Proxy-Authorization") is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nVia : x\n\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["old", "another 2xx", "wrong lines", "wrong framing"],
)
async def test_a_tunnel_is_open_whatever_else_the_proxy_says(tmp_path: Path, answer: bytes) -> None:
    authority = Authority(tmp_path)
    async with (
        serving(repeats(), tls=authority.server_context(authority.sign("localhost"))) as endpoint,
        serving(lambda peer: tunnels(peer, answer)) as proxy,
        through(proxy_url(proxy.port), tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        url = endpoint.url(scheme="https", host="localhost")
        outcome = await transport.send(post(url))
        context = client_context(Tls(ca_file=authority.certificate))
        steps = [step async for step in reach(url, proxy_url(proxy.port), context, LONG)]

    assert isinstance(outcome, Answer)
    assert [(step.what, step.ok) for step in steps] == [
        ("proxy dns", True),
        ("proxy tcp", True),
        ("proxy", True),
        ("tls", True),
    ]


async def test_a_plain_endpoint_is_asked_for_whole() -> None:
    async with (
        serving(repeats()) as proxy,
        through(proxy_url(proxy.port, "us:p%C3%A4ss%40@")) as transport,
    ):
        assert isinstance(await transport.send(post("http://partner.invalid:8080/p?q=%7e")), Answer)

    (heard,) = proxy.heard
    assert heard.line == "POST http://partner.invalid:8080/p?q=%7e HTTP/1.1"
    assert heard.header("Host") == "partner.invalid:8080"
    assert heard.header("Proxy-Authorization") == CREDENTIALS


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_dead_proxy_is_the_proxys(scheme: str) -> None:
    async with through(proxy_url(closed_port())) as transport:
        outcome = await transport.send(post(f"{scheme}://partner.invalid/"))

    assert outcome == Unreachable("connection refused", "proxy")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_without_an_address_is_the_proxys(scheme: str) -> None:
    async with through("http://nobody.invalid:3128") as transport:
        outcome = await transport.send(post(f"{scheme}://127.0.0.1/"))

    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "proxy"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_credentials_is_the_proxys(scheme: str) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    async with (
        serving(says(answer)) as proxy,
        through(proxy_url(proxy.port)) as transport,
    ):
        outcome = await transport.send(post(f"{scheme}://partner.invalid/"))

    assert outcome == Unreachable("the proxy answered 407", "proxy")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(
            says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), "the proxy answered 502", id="502"
        ),
        pytest.param(says(then="close"), "the proxy gave no usable answer", id="closes"),
        pytest.param(says(b"SSH-2.0-x\r\n"), "the proxy gave no usable answer", id="another protocol"),
        pytest.param(says(b""), "connect time-out", id="silent"),
    ],
)
async def test_a_proxy_that_makes_no_tunnel_is_the_proxys(script: Script, reason: str) -> None:
    async with (
        serving(script) as proxy,
        through(proxy_url(proxy.port), timeout_seconds=0.5) as transport,
    ):
        outcome = await transport.send(post("https://partner.invalid/"))

    assert outcome == Unreachable(reason, "proxy")


async def test_a_bad_certificate_behind_a_proxy_is_the_endpoints(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        serving(repeats(), tls=authority.server_context(authority.sign("example.com"))) as endpoint,
        serving(tunnels) as proxy,
        through(proxy_url(proxy.port), tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        outcome = await transport.send(post(endpoint.url(scheme="https", host="localhost")))

    assert isinstance(outcome, Unreachable)
    assert outcome.cause == "endpoint"


async def test_a_plain_request_that_a_proxy_swallows_may_have_arrived() -> None:
    async with (
        serving(says(then="close")) as proxy,
        through(proxy_url(proxy.port)) as transport,
    ):
        outcome = await transport.send(post("http://partner.invalid/"))

    assert isinstance(outcome, NoAnswer)
