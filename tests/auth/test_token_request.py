"""Token requests, byte for byte as they arrive at a raw socket, against Adobe's curl lines."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import pytest
from loopback import Heard, serving
from loopback import says as answers
from pydantic import TypeAdapter

from exporter.auth.authorizer import Authorization, Surroundings
from exporter.auth.kinds import AuthSettings
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions

ODD = "a:b%c+d e&f=ü€"
TOKEN = b'{"access_token": "abc"}'
GRANTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TOKEN) + TOKEN


Hear = Callable[..., Awaitable[Heard]]


@pytest.fixture(params=["lean", "aiohttp"])
def heard_from(request: pytest.FixtureRequest) -> Hear:
    """The one request that a token server hears, over either transport."""

    async def heard(path: str = "/token", **keys: Any) -> Heard:
        async with (
            serving(answers(GRANTED)) as server,
            open_transport(request.param, TransportOptions(timeout_seconds=30, concurrency=1)) as transport,
        ):
            section = TypeAdapter[Any](AuthSettings).validate_python({"token_url": server.url(path), **keys})
            authorization = await section.authorizer(transport, Surroundings()).authorize()
        assert isinstance(authorization, Authorization)
        assert authorization.header == "Bearer abc"
        (only,) = server.heard
        return only

    return heard


def basic_of(heard: Heard) -> str:
    scheme, _, encoded = (heard.header("Authorization") or "").partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(encoded, validate=True).decode()


def client(**keys: Any) -> dict[str, Any]:
    return {"kind": "oauth2_client_credentials", "client_id": "id-1", "client_secret": "s3cret", **keys}


def owner(**keys: Any) -> dict[str, Any]:
    return {**client(), "kind": "oauth2_password", "username": "user", "password": "word", **keys}


async def test_client_credentials_in_the_body(heard_from: Hear) -> None:
    """curl --data-urlencode grant_type=… --data-urlencode client_id=… --data-urlencode client_secret=…"""
    heard = await heard_from(**client())

    assert heard.line == "POST /token HTTP/1.1"
    assert heard.header("Content-Type") == "application/x-www-form-urlencoded"
    assert heard.header("Authorization") is None
    assert heard.body == b"grant_type=client_credentials&client_id=id-1&client_secret=s3cret"
    assert heard.header("Content-Length") == str(len(heard.body))


async def test_client_credentials_as_basic(heard_from: Hear) -> None:
    """curl --header 'Authorization: Basic base64(clientId:clientSecret)' --data-urlencode grant_type=…"""
    heard = await heard_from(**client(credentials_in="basic"))

    assert heard.line == "POST /token HTTP/1.1"
    assert heard.header("Content-Type") == "application/x-www-form-urlencoded; charset=UTF-8"
    assert heard.header("Authorization") == "Basic " + base64.b64encode(b"id-1:s3cret").decode()
    assert heard.body == b"grant_type=client_credentials"


async def test_a_password_grant(heard_from: Hear) -> None:
    """RFC 6749 §4.3.2."""
    heard = await heard_from(**owner())

    expected = b"grant_type=password&client_id=id-1&client_secret=s3cret&username=user&password=word"
    assert heard.body == expected
    assert heard.header("Content-Type") == "application/x-www-form-urlencoded"


async def test_a_password_grant_as_basic_has_no_client_in_its_body(heard_from: Hear) -> None:
    heard = await heard_from(**owner(credentials_in="basic"))

    assert heard.body == b"grant_type=password&username=user&password=word"
    assert basic_of(heard) == "id-1:s3cret"


async def test_only_what_is_needed_stands_in_the_headers(heard_from: Hear) -> None:
    heard = await heard_from(**client())

    names = ["Host", "Content-Type", "Accept-Encoding", "User-Agent", "Accept", "Content-Length"]
    assert [name for name, _ in heard.headers] == names


async def test_a_query_stays_as_it_is(heard_from: Hear) -> None:
    heard = await heard_from("/token?api-version=1&tenant=a%2Fb&&x=%7e+y", **client())

    assert heard.line == "POST /token?api-version=1&tenant=a%2Fb&&x=%7e+y HTTP/1.1"


async def test_a_space_is_percent_encoded_as_curl_does_it(heard_from: Hear) -> None:
    heard = await heard_from(**client(client_secret="a b+c~d*e"))

    assert heard.body == b"grant_type=client_credentials&client_id=id-1&client_secret=a%20b%2Bc~d%2Ae"


async def test_any_text_survives_the_form(heard_from: Hear) -> None:
    keys = {"client_id": ODD, "client_secret": ODD, "username": ODD, "password": ODD, "scope": ODD}
    heard = await heard_from(**owner(**keys, audience=ODD, extra={ODD: ODD}))

    fields = dict(parse_qsl(heard.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
    named = ("client_id", "client_secret", "username", "password", "scope", "audience", ODD)
    assert fields == {"grant_type": "password", **dict.fromkeys(named, ODD)}


async def test_basic_is_form_encoded_first(heard_from: Hear) -> None:
    """RFC 6749 §2.3.1: so that neither a colon nor a character beyond ASCII is ambiguous."""
    heard = await heard_from(**client(client_id=ODD, client_secret=ODD, credentials_in="basic"))

    user, colon, password = basic_of(heard).partition(":")
    assert (colon, unquote_plus(user), unquote_plus(password)) == (":", ODD, ODD)
    assert basic_of(heard).isascii()


async def test_raw_basic_is_what_the_curl_line_shows(heard_from: Hear) -> None:
    keys = {"credentials_in": "basic", "basic_encoding": "raw", "client_secret": ODD}
    heard = await heard_from(**client(**keys))

    assert basic_of(heard) == f"id-1:{ODD}"


async def test_a_list_of_values_becomes_as_many_fields(heard_from: Hear) -> None:
    """RFC 8707 §2: a token for two resources names both; the order is the configuration's."""
    extra = {"resource": ["https://a", "https://b?x=1&y=2"], "tenant": "t", "flag": [""]}
    heard = await heard_from(**client(audience=["crm", "erp"], extra=extra))

    assert heard.body == (
        b"grant_type=client_credentials&client_id=id-1&client_secret=s3cret&audience=crm&audience=erp"
        b"&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb%3Fx%3D1%26y%3D2&tenant=t&flag="
    )


@pytest.mark.parametrize(
    "query", ["?a=1&a=2&a=1", "?" + "&".join(f"p{n}=%2F+%7e" for n in range(200)), "?", "?=&&=", "?a=b?c=d"]
)
async def test_any_query_stays_as_it_is(heard_from: Hear, query: str) -> None:
    heard = await heard_from(f"/token{query}", **client(credentials_in="basic", extra={"a": ["1", "2"]}))

    assert heard.line in (f"POST /token{query} HTTP/1.1", f"POST /token{query.removesuffix('?')} HTTP/1.1")
    assert heard.body == b"grant_type=client_credentials&a=1&a=2"


async def test_scope_audience_and_extra_follow(heard_from: Hear) -> None:
    extra = {"resource": "https://x", "body": "b", "redirect_uri": "", "code": "c"}
    heard = await heard_from(**client(scope="a b", audience="crm", extra=extra))

    assert heard.body == (
        b"grant_type=client_credentials&client_id=id-1&client_secret=s3cret"
        b"&scope=a%20b&audience=crm&resource=https%3A%2F%2Fx&body=b&redirect_uri=&code=c"
    )


async def test_nothing_secret_is_in_a_repr() -> None:
    section = TypeAdapter[Any](AuthSettings).validate_python(
        {**owner(client_secret="hunter2", password="hunter2"), "token_url": "http://localhost/"}
    )

    assert "hunter2" not in repr(section)
    assert "hunter2" not in section.model_dump_json()


@pytest.mark.parametrize("kind", ["none", "bearer"])
def test_the_kinds_without_a_token_endpoint_are_there(kind: str) -> None:
    keys = {"token": "abc"} if kind == "bearer" else {}
    section = TypeAdapter[Any](AuthSettings).validate_python({"kind": kind, **keys})

    assert section.kind == kind
