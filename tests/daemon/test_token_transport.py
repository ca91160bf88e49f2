"""The way to a token server under another authority or behind another proxy, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from loopback import Peer, closed_port, repeats, serving

from exporter.auth.authorizer import Authorization, Surroundings, Unauthorized
from exporter.daemon.slots.token_transport import transport_for_tokens, way_to_tokens
from exporter.messages.exchange import Answer, Request
from exporter.sections.tls import Tls
from exporter.settings.destination import Destination
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport
from exporter.transport.requests.headers import USER_AGENT
from exporter.transport.tls.contexts import TlsContexts, TlsFilesUnusable

TOKEN = b'{"access_token": "abc", "token_type": "Bearer"}'
GRANTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TOKEN) + TOKEN
CLIENT = {"kind": "oauth2_client_credentials", "client_id": "id", "client_secret": "hunter2"}


def destination(endpoint: str, token_url: str, auth: Mapping[str, Any] | None = None, **keys: Any) -> Destination:
    asked = {**CLIENT, "token_url": token_url, **(auth or {})}
    return Destination.model_validate({"name": "crm", "endpoint": endpoint, "auth": asked, **keys})


@asynccontextmanager
async def both_ways(destination: Destination) -> AsyncIterator[tuple[Transport, Transport]]:
    """The transports of exports and of tokens."""
    contexts = TlsContexts()
    options = TransportOptions(
        timeout_seconds=30, concurrency=1, tls=destination.tls, proxy=destination.proxy, contexts=contexts
    )
    async with (
        open_transport(destination.delivery.transport, options) as exports,
        transport_for_tokens(destination, exports, contexts) as tokens,
    ):
        yield exports, tokens


async def ask(destination: Destination, tokens: Transport) -> Authorization | Unauthorized:
    return await destination.auth.authorizer(tokens, Surroundings()).authorize()


async def export(destination: Destination, exports: Transport) -> int:
    outcome = await exports.send(Request(destination.url, (), (), b"{}"))
    assert isinstance(outcome, Answer), outcome
    return outcome.status


async def pass_on(peer: Peer) -> None:
    """A script of a proxy: make the tunnel that CONNECT asks for."""
    request = await peer.request()
    _, _, port = request.line.split()[1].rpartition(":")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(peer.reader, writer))
            group.create_task(copy(reader, peer.writer))
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("transport", ["auto", "lean", "aiohttp"])
async def test_each_server_has_an_authority_of_its_own(tmp_path: Path, transport: str) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    server = theirs.server_context(theirs.sign("localhost"))
    async with (
        serving(repeats(), tls=ours.server_context(ours.sign("localhost"))) as endpoint,
        serving(repeats(GRANTED), tls=server) as token_server,
    ):
        made = destination(
            endpoint.url(scheme="https", host="localhost"),
            token_server.url(scheme="https", host="localhost"),
            {"tls": {"ca_file": theirs.certificate}},
            tls={"ca_file": ours.certificate},
            delivery={"transport": transport},
        )
        async with both_ways(made) as (exports, tokens):
            assert isinstance(await ask(made, tokens), Authorization)
            assert await export(made, exports) == 200

        one = made.model_copy(update={"auth": made.auth.model_copy(update={"tls": None})})
        async with both_ways(one) as (exports, tokens):
            assert tokens is exports
            refused = await ask(one, tokens)
        assert isinstance(refused, Unauthorized)
        assert "certificate" in refused.detail


async def test_a_client_certificate_may_be_for_the_token_server_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = authority.sign("exporter", name="client")
    demanding = authority.server_context(authority.sign("localhost"), demand_certificate=True)
    async with serving(repeats()) as endpoint, serving(repeats(GRANTED), tls=demanding) as token_server:
        tls = {
            "ca_file": authority.certificate,
            "client_cert_file": client.certificate,
            "client_key_file": client.key,
        }
        token_url = token_server.url(scheme="https", host="localhost")
        made = destination(endpoint.url(), token_url, {"tls": tls})
        async with both_ways(made) as (exports, tokens):
            assert isinstance(await ask(made, tokens), Authorization)
            assert await export(made, exports) == 200


async def test_an_empty_section_takes_none_of_the_destinations_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server_context(authority.sign("localhost"))
    async with serving(repeats(GRANTED), tls=server) as token_server:
        token_url = token_server.url(scheme="https", host="localhost")
        tls = {"ca_file": authority.certificate}
        async with both_ways(shared := destination("https://localhost/", token_url, tls=tls)) as (_, tokens):
            assert isinstance(await ask(shared, tokens), Authorization)
        async with both_ways(own := destination("https://localhost/", token_url, {"tls": {}}, tls=tls)) as (_, tokens):
            assert isinstance(await ask(own, tokens), Unauthorized)


async def test_a_proxy_for_tokens_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server_context(authority.sign("localhost"))
    async with (
        serving(repeats()) as endpoint,
        serving(repeats(GRANTED), tls=server) as token_server,
        serving(pass_on) as proxy,
    ):
        made = destination(
            endpoint.url(),
            token_server.url(scheme="https", host="localhost"),
            {"proxy": f"http://user:hunter2@127.0.0.1:{proxy.port}", "tls": {"ca_file": authority.certificate}},
            delivery={"transport": "lean"},
        )
        assert "hunter2" not in repr(made)
        async with both_ways(made) as (exports, tokens):
            assert isinstance(await ask(made, tokens), Authorization)
            assert await export(made, exports) == 200

    (connect,) = proxy.heard
    assert connect.line == f"CONNECT localhost:{token_server.port} HTTP/1.1"
    assert connect.header("Proxy-Authorization") == "Basic dXNlcjpodW50ZXIy"
    assert [value for name, value in connect.headers if name.lower() == "user-agent"] == [USER_AGENT]
    (heard,) = token_server.heard
    assert heard.header("User-Agent") == USER_AGENT


async def test_tokens_may_go_straight_where_exports_go_through_a_proxy() -> None:
    async with serving(repeats(GRANTED)) as token_server, serving(repeats()) as proxy:
        through = f"http://127.0.0.1:{proxy.port}"
        made = destination("http://partner.invalid/", token_server.url(), {"proxy": "none"}, proxy=through)
        async with both_ways(made) as (exports, tokens):
            assert isinstance(await ask(made, tokens), Authorization)
            assert await export(made, exports) == 200

    assert [heard.line for heard in token_server.heard] == ["POST / HTTP/1.1"]
    assert [heard.line for heard in proxy.heard] == ["POST http://partner.invalid/ HTTP/1.1"]


async def test_a_proxy_that_cannot_be_reached_is_the_proxys() -> None:
    made = destination("http://partner.invalid/", "http://login.invalid/", proxy=f"http://127.0.0.1:{closed_port()}")
    async with both_ways(made) as (exports, tokens):
        assert tokens is exports
        outcome = await ask(made, tokens)

    assert isinstance(outcome, Unauthorized)
    assert outcome.cause == "proxy"


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({}, (Tls(), "http://p.example:1")),
        ({"proxy": None, "tls": None}, (Tls(), "http://p.example:1")),
        ({"proxy": "http://q.example:2"}, (Tls(), "http://q.example:2")),
        ({"proxy": "none", "tls": {}}, (Tls(), None)),
    ],
)
def test_what_is_not_set_is_the_destinations(auth: dict[str, Any], expected: tuple[Tls, str | None]) -> None:
    made = destination("http://e.example/", "http://t.example/", auth, proxy="http://p.example:1")

    assert way_to_tokens(made) == expected


@pytest.mark.parametrize("auth", [{"kind": "none"}, {"kind": "bearer", "token": "t"}])
def test_kinds_without_a_token_server_have_no_other_way(auth: dict[str, Any]) -> None:
    keys = {"name": "crm", "endpoint": "http://e.example/", "auth": auth, "proxy": "http://p.example:1"}
    made = Destination.model_validate(keys)

    assert way_to_tokens(made) == (Tls(), "http://p.example:1")


async def test_a_file_that_is_no_certificate_is_told(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    made = destination("http://e.example/", "https://t.example/", {"tls": {"ca_file": file}})
    with pytest.raises(TlsFilesUnusable, match="no PEM certificate"):
        async with both_ways(made):
            pass
