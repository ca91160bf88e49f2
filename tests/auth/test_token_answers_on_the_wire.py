"""Token answers as real servers give them, over real sockets, with every OAuth kind, placement and transport."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from loopback import Peer, Script, Server, repeats, says, serving
from pydantic import TypeAdapter

from exporter.auth.authorizer import Authorization, Authorizer, Surroundings, Unauthorized
from exporter.auth.kinds import AuthSettings
from exporter.transport.lean import wire
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.over_aiohttp import transport as over_aiohttp
from exporter.transport.port import Transport

TOKEN = b'{"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}'
CLIENT = {"client_id": "id", "client_secret": "hunter2"}
OWNER = {**CLIENT, "username": "user", "password": "hunter2"}
ODD_TYPE = "the token endpoint names the token_type JWT; its token is presented as Bearer"


@pytest.fixture(params=["lean", "aiohttp"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    async with open_transport(request.param, TransportOptions(timeout_seconds=30, concurrency=1)) as opened:
        yield opened


@pytest.fixture(
    params=[
        {"kind": "oauth2_client_credentials", **CLIENT},
        {"kind": "oauth2_client_credentials", "credentials_in": "basic", **CLIENT},
        {"kind": "oauth2_password", **OWNER},
        {"kind": "oauth2_password", "credentials_in": "basic", **OWNER},
    ],
    ids=lambda keys: f"{keys['kind']}-{keys.get('credentials_in', 'body')}",
)
def keys(request: pytest.FixtureRequest) -> dict[str, Any]:
    keys: dict[str, Any] = request.param
    return keys


def made(keys: dict[str, Any], server: Server, transport: Transport, notes: list[str] | None = None) -> Authorizer:
    section = TypeAdapter[Any](AuthSettings).validate_python({"token_url": server.url("/token?a=1&b=2"), **keys})
    surroundings = Surroundings(note=(notes if notes is not None else []).append)
    authorizer: Authorizer = section.authorizer(transport, surroundings)
    return authorizer


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(TOKEN, "201 Created"), id="201"),
        pytest.param(answer(TOKEN, "202 Accepted"), id="202"),
        pytest.param(answer(gzip.compress(TOKEN), "200 OK", "Content-Encoding: gzip"), id="gzip"),
        pytest.param(answer(gzip.compress(TOKEN), "200 OK", "content-encoding:  GZip "), id="GZip"),
        pytest.param(answer(gzip.compress(TOKEN)), id="gzip that nobody names"),
        pytest.param(answer(zlib.compress(TOKEN), "200 OK", "Content-Encoding: deflate"), id="deflate"),
        pytest.param(answer(zlib.compress(TOKEN, wbits=-15), "200 OK", "Content-Encoding: deflate"), id="bare deflate"),
    ],
)
async def test_is_a_token(transport: Transport, keys: dict[str, Any], said: bytes) -> None:
    async with serving(repeats(said)) as server:
        outcome = await made(keys, server, transport).authorize()

        assert isinstance(outcome, Authorization)
        assert outcome.header == "Bearer abc"
        (heard,) = server.heard
        assert heard.line == "POST /token?a=1&b=2 HTTP/1.1"
        assert heard.header("Accept-Encoding") == "identity"
        assert (heard.header("User-Agent") or "").startswith("exporter/")


async def test_a_body_that_comes_late_is_waited_for(
    transport: Transport, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than the body of an export's answer is."""
    for module in (over_aiohttp, wire):
        monkeypatch.setattr(module, "BODY_SECONDS", 0.2)
    head, end, body = answer(TOKEN).partition(b"\r\n\r\n")
    refused = answer(b'{"error": "invalid_grant"}', "400 No")

    async def late(peer: Peer) -> None:
        # Over a connection that is new, then over one that was kept.
        await peer.request()
        await peer.send(refused)
        await peer.request()
        await peer.send(head + end)
        await asyncio.sleep(0.7)
        await peer.send(body)
        await peer.silence()

    async with serving(late) as server:
        authorizer = made(keys, server, transport)
        assert isinstance(await authorizer.authorize(), Unauthorized)
        outcome = await authorizer.authorize()

        assert isinstance(outcome, Authorization), outcome
        assert outcome.header == "Bearer abc"
        assert server.connections == 1


async def test_a_body_that_never_comes_ends_with_the_exchange(keys: dict[str, Any]) -> None:
    for kind in ("lean", "aiohttp"):
        async with (
            serving(says(answer(TOKEN)[: -len(TOKEN)])) as server,
            open_transport(kind, TransportOptions(timeout_seconds=0.3, concurrency=1)) as transport,
        ):
            outcome = await made(keys, server, transport).authorize()

        assert isinstance(outcome, Unauthorized)
        assert outcome.detail == "the token endpoint gave no token: HTTP 200 without a body"


async def test_an_odd_type_is_noted(transport: Transport, keys: dict[str, Any]) -> None:
    notes: list[str] = []
    async with serving(repeats(answer(TOKEN.replace(b"Bearer", b"JWT")))) as server:
        authorizer = made(keys, server, transport, notes)
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)
        assert isinstance(await authorizer.renew(held), Authorization)

    assert notes == [ODD_TYPE]


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        pytest.param(
            answer(gzip.compress(TOKEN)[:-9], "200 OK", "Content-Encoding: gzip"),
            "HTTP 200 with a body in gzip that ends too early",
            id="truncated",
        ),
        pytest.param(
            answer(gzip.compress(b" " * 30_000_000), "200 OK", "Content-Encoding: gzip"),
            "HTTP 200 with a body in gzip that unpacks to more than 64 KiB",
            id="bomb",
        ),
        pytest.param(
            answer(b"\x0b\x02\x80hunter2\x03", "200 OK", "Content-Encoding: br"),
            "HTTP 200 with a body in a coding that was not asked for",
            id="br",
        ),
        pytest.param(
            answer(b"<html>hunter2</html>", "403 Forbidden"),
            "HTTP 403 without an OAuth error code; a firewall in front of it may have answered",
            id="firewall",
        ),
        pytest.param(answer(b"", "429 Too Many Requests", "retry-after: 40"), "HTTP 429, with Retry-After", id="429"),
        pytest.param(answer(b"", "503 No", "Retry-After: 40"), "HTTP 503, with Retry-After", id="503"),
    ],
)
async def test_is_the_token_endpoints_failure(
    transport: Transport, keys: dict[str, Any], said: bytes, detail: str
) -> None:
    async with serving(repeats(said)) as server:
        outcome = await made(keys, server, transport).authorize()

    assert isinstance(outcome, Unauthorized)
    assert (outcome.cause, outcome.detail) == ("token_endpoint", f"the token endpoint gave no token: {detail}")
    assert outcome.retry_after_seconds == (40.0 if "Retry-After" in detail else None)


async def test_nobody_asks_before_retry_after(transport: Transport, keys: dict[str, Any]) -> None:
    async with serving(repeats(answer(b"", "503 No", "Retry-After: 600"))) as server:
        authorizer = made(keys, server, transport)
        for _ in range(3):
            assert isinstance(await authorizer.authorize(), Unauthorized)

        assert len(server.heard) == 1


REFRESHABLE = answer(b'{"access_token": "old", "token_type": "Bearer", "refresh_token": "r1"}')


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(says(answer(b"hunter2", "500 No"), then="close"), id="500"),
        pytest.param(says(answer(b"hunter2", "404 No"), then="close"), id="404"),
        pytest.param(says(answer(b'{"error": "invalid_grant"}', "400 No"), then="close"), id="400"),
        pytest.param(says(answer(b"<html>", "200 OK"), then="close"), id="garbage"),
        pytest.param(says(b"nonsense\r\n\r\n", then="close"), id="no HTTP"),
        pytest.param(says(then="reset"), id="reset"),
        pytest.param(says(then="close"), id="close"),
    ],
)
async def test_a_refresh_without_a_token_is_followed_by_the_grant(
    transport: Transport, keys: dict[str, Any], trouble: Script
) -> None:
    async with serving(says(REFRESHABLE, then="close"), trouble, repeats(answer(TOKEN))) as server:
        authorizer = made(keys, server, transport)
        held = await authorizer.authorize()
        assert isinstance(held, Authorization)
        await authorizer.renew(held)
        held = await authorizer.authorize()

        assert isinstance(held, Authorization)
        assert held.header == "Bearer abc"
        bodies = [heard.body for heard in server.heard]
        # A connection that is closed before a byte came is tried once more with the same request.
        assert b"grant_type=refresh_token" in bodies[1]
        assert b"grant_type=refresh_token" not in bodies[-1]
        assert bodies[-1] == bodies[0]
