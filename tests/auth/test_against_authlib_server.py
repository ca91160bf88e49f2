"""Every OAuth kind and placement against Authlib's own authorization server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from authorization_server import Records, Registered, authorization_server
from pydantic import TypeAdapter

from exporter.auth.authorizer import Authorization, Authorizer, Surroundings, Unauthorized
from exporter.auth.kinds import AuthSettings
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport

PLAIN = "client-1", "s3cret"
ODD = "tenant:app%41 +ü€", "a:b%41+c d/ü€=&?"


@pytest.fixture(params=["lean", "aiohttp"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    async with open_transport(request.param, TransportOptions(timeout_seconds=30, concurrency=1)) as opened:
        yield opened


class Told:
    """What an authorizer reported of its fetches, and the time it lives in."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.now = 1000.0


def made(records: Records, transport: Transport, told: Told, **keys: Any) -> Authorizer:
    client = {"client_id": records.client.client_id, "client_secret": records.client.client_secret}
    section = TypeAdapter[Any](AuthSettings).validate_python({"token_url": records.token_url, **client, **keys})
    authorizer: Authorizer = section.authorizer(
        transport, Surroundings(clock=lambda: told.now, observe=lambda outcome, _: told.outcomes.append(outcome))
    )
    return authorizer


@pytest.mark.parametrize(("client_id", "secret"), [PLAIN, ODD], ids=["plain", "odd"])
@pytest.mark.parametrize(
    ("method", "keys"),
    [("client_secret_post", {}), ("client_secret_basic", {"credentials_in": "basic"})],
    ids=["body", "basic"],
)
@pytest.mark.parametrize("kind", ["oauth2_client_credentials", "oauth2_password"])
async def test_grants_a_token(
    transport: Transport, kind: str, method: str, keys: dict[str, str], client_id: str, secret: str
) -> None:
    owner = {"username": "jürgen", "password": ODD[1]} if kind == "oauth2_password" else {}
    with authorization_server(Registered(client_id, secret, method), {"jürgen": ODD[1]}) as records:
        told = Told()
        authorization = await made(
            records, transport, told, kind=kind, scope="profiles:write", **owner, **keys
        ).authorize()

    assert isinstance(authorization, Authorization)
    assert records.accepts(authorization.header)
    assert records.issued[0].scope == "profiles:write"
    assert told.outcomes == ["ok"]


@pytest.mark.parametrize(
    ("secret", "accepted"),
    [
        pytest.param("s3cret", True, id="plain"),
        pytest.param("a:b+c d ü€", True, id="colon, plus, space, not ASCII"),
        pytest.param("100%", True, id="a percent sign that begins no escape"),
        pytest.param("a%41", False, id="an escape"),
    ],
)
async def test_raw_basic_is_percent_decoded_by_this_server(transport: Transport, secret: str, accepted: bool) -> None:
    """Authlib's server percent-decodes what Basic carries, so ``raw`` is ambiguous where a secret holds an escape."""
    keys = {"kind": "oauth2_client_credentials", "credentials_in": "basic", "basic_encoding": "raw"}
    with authorization_server(Registered("client-1", secret, "client_secret_basic")) as records:
        authorization = await made(records, transport, Told(), **keys).authorize()

    assert isinstance(authorization, Authorization) is accepted


@pytest.mark.parametrize(
    ("method", "placement", "detail"),
    [
        ("client_secret_post", "body", "HTTP 400 invalid_client"),
        ("client_secret_basic", "basic", "HTTP 401 invalid_client"),
    ],
)
async def test_a_wrong_secret_is_refused(transport: Transport, method: str, placement: str, detail: str) -> None:
    keys = {"kind": "oauth2_client_credentials", "credentials_in": placement, "client_secret": "hunter2"}
    with authorization_server(Registered(*PLAIN, method)) as records:
        told = Told()
        refused = await made(records, transport, told, **keys).authorize()

    assert refused == Unauthorized("credentials", f"the token endpoint refused the credentials: {detail}")
    assert told.outcomes == ["refused"]


async def test_a_wrong_password_is_refused(transport: Transport) -> None:
    owner = {"kind": "oauth2_password", "username": "user", "password": "hunter2"}
    with authorization_server(Registered(*PLAIN, "client_secret_post"), {"user": "word"}) as records:
        refused = await made(records, transport, Told(), **owner).authorize()

    assert isinstance(refused, Unauthorized)
    assert refused.cause == "credentials"
    assert "hunter2" not in refused.detail


async def test_is_asked_with_the_refresh_token_until_it_is_revoked(transport: Transport) -> None:
    """This server leaves the refresh token out of its answer to one, so the old one is kept."""
    owner = {"kind": "oauth2_password", "username": "user", "password": "word"}
    with authorization_server(Registered(*PLAIN, "client_secret_post"), {"user": "word"}) as records:
        told = Told()
        authorizer = made(records, transport, told, **owner)
        held = await authorizer.authorize()
        for _ in range(2):
            assert isinstance(held, Authorization)
            held = await authorizer.renew(held)
        assert [token.refresh_token is None for token in records.issued] == [False, True, True]

        records.issued[0].revoked = True
        assert isinstance(held, Authorization)
        held = await authorizer.renew(held)

    assert isinstance(held, Authorization)
    assert records.accepts(held.header)
    assert told.outcomes == ["ok", "ok", "ok", "refused", "ok"]


async def test_takes_a_resource_twice(transport: Transport) -> None:
    keys = {"kind": "oauth2_client_credentials", "extra": {"resource": ["https://a", "https://b"]}}
    with authorization_server(Registered(*PLAIN, "client_secret_post")) as records:
        authorization = await made(records, transport, Told(), **keys).authorize()

    assert isinstance(authorization, Authorization)
    assert records.accepts(authorization.header)


async def test_a_server_that_is_gone_is_the_token_endpoints(transport: Transport) -> None:
    with authorization_server(Registered(*PLAIN, "client_secret_post")) as records:
        told = Told()
        authorizer = made(records, transport, told, kind="oauth2_client_credentials")
        first = await authorizer.authorize()
        assert isinstance(first, Authorization)

    outcome = await authorizer.renew(first)
    assert isinstance(outcome, Unauthorized)
    assert outcome.cause == "token_endpoint"
    assert told.outcomes == ["ok", "failed"]
