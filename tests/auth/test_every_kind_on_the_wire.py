"""Every kind of authentication with either transport: what the endpoint hears, and after it has refused once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loopback import Peer, Script, repeats, serving

from exporter.auth.authorizer import Authorization, Surroundings, Unauthorized
from exporter.messages.exchange import Answer
from exporter.sections.section import FromFile
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.requests.headers import own_headers

CLIENT = {"kind": "oauth2_client_credentials", "client_id": "id", "client_secret": "s"}
OWNER = {**CLIENT, "kind": "oauth2_password", "username": "user", "password": "word"}


def grants(*bodies: bytes) -> Script:
    """A script of a token server: each request gets the next token."""

    async def script(peer: Peer) -> None:
        for body in bodies:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await peer.silence()

    return script


@pytest.mark.parametrize("transport", ["lean", "aiohttp"])
@pytest.mark.parametrize(
    ("auth", "first", "second"),
    [
        pytest.param({"kind": "none"}, None, None, id="none"),
        pytest.param({"kind": "bearer", "token": "t1"}, "Bearer t1", None, id="bearer"),
        pytest.param({"kind": "bearer", "token": "FILE"}, "Bearer t1", "Bearer t2", id="bearer from a file"),
        pytest.param(CLIENT, "Bearer t1", "Bearer t2", id="client credentials, body"),
        pytest.param({**CLIENT, "credentials_in": "basic"}, "Bearer t1", "Bearer t2", id="client credentials, basic"),
        pytest.param(OWNER, "Bearer t1", "Bearer t2", id="password, body"),
        pytest.param({**OWNER, "credentials_in": "basic"}, "Bearer t1", "Bearer t2", id="password, basic"),
    ],
)
async def test_is_presented_and_renewed(
    tmp_path: Path, transport: str, auth: dict[str, Any], first: str | None, second: str | None
) -> None:
    file = tmp_path / "token"
    file.write_text("t1\n")
    if auth.get("token") == "FILE":
        auth = {**auth, "token": FromFile.read(file)}
    file.write_text("t2\n")
    tokens = grants(*(b'{"access_token": "t%d", "token_type": "bearer"}' % number for number in (1, 2)))
    async with serving(repeats()) as endpoint, serving(tokens) as token_server:
        if "client_id" in auth:
            auth = {**auth, "token_url": token_server.url("/token")}
        destination = Destination.model_validate({"name": "d", "endpoint": endpoint.url("/p"), "auth": auth})
        prepared = prepare(destination)
        kind: Any = transport
        async with open_transport(kind, TransportOptions(timeout_seconds=30, concurrency=1)) as opened:
            authorizer = destination.auth.authorizer(opened, Surroundings())
            current = await authorizer.authorize()
            assert isinstance(current, Authorization)
            outcomes = [await opened.send(prepared.request(current.header, "k", "l-1", b"{}"))]
            renewed = await authorizer.renew(current)
            if isinstance(renewed, Authorization):
                outcomes.append(await opened.send(prepared.request(renewed.header, "k", "l-1", b"{}")))
                assert await authorizer.renew(current) is renewed  # a late refusal of the first

    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert isinstance(renewed, Unauthorized) is (second is None)
    assert [heard.header("Authorization") for heard in endpoint.heard] == [first, second][: len(outcomes)]
    assert len(token_server.heard) == (2 if "client_id" in auth else 0)
    for heard in (*endpoint.heard, *token_server.heard):
        for name, value in own_headers():
            assert [said for given, said in heard.headers if given.lower() == name.lower()] == [value]
