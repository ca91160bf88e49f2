"""The token endpoint's rules, as a table (RFC 6749 §2.3.1, §4.3, §4.4, §5.2)."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus, urlencode

import pytest

from exporter.receiver.options import AuthKind, Credentials
from exporter.receiver.tokens import FORM, Issued, Refused, Tokens

ODD = Credentials(client_id="i:d", client_secret="s%+ ü:", username="u&=", password="pä ss")
IN_BODY = {"client_id": ODD.client_id, "client_secret": ODD.client_secret}
CLIENT = {"grant_type": "client_credentials"}
USER = {"grant_type": "password", "username": ODD.username, "password": ODD.password}


def basic(name: str = ODD.client_id, secret: str = ODD.client_secret) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("kind", "form", "authorization"),
    [
        pytest.param("oauth2_client_credentials", CLIENT | IN_BODY, None, id="either kind takes the body"),
        pytest.param("oauth2_client_credentials", CLIENT, basic(), id="either kind takes Basic"),
        pytest.param("oauth2_client_credentials_body", CLIENT | IN_BODY, None, id="body"),
        pytest.param("oauth2_client_credentials_basic", CLIENT, basic(), id="Basic, form-decoded"),
        pytest.param("oauth2_client_credentials_basic", CLIENT, basic().replace("Basic", "basic"), id="any case"),
        pytest.param("oauth2_password", USER | IN_BODY, None, id="password"),
        pytest.param("oauth2_password", USER, basic(), id="password, client as Basic"),
    ],
)
def test_issues(kind: AuthKind, form: dict[str, str], authorization: str | None) -> None:
    clock = Clock()
    tokens = Tokens(kind, ODD, 60, clock)

    issued = tokens.answer(FORM, authorization, urlencode(form).encode())

    assert isinstance(issued, Issued)
    assert (issued.lifetime, tokens.issued) == (60, 1)
    assert issued.token not in repr(issued)
    assert tokens.accepts(f"Bearer {issued.token}")
    clock.now += 60
    assert not tokens.accepts(f"Bearer {issued.token}")


@pytest.mark.parametrize(
    ("kind", "form", "authorization", "error", "status"),
    [
        ("oauth2_client_credentials", CLIENT | IN_BODY | {"client_secret": "x"}, None, "invalid_client", 401),
        ("oauth2_client_credentials", CLIENT | IN_BODY | {"client_id": "x"}, None, "invalid_client", 401),
        ("oauth2_client_credentials", CLIENT, None, "invalid_client", 401),
        ("oauth2_client_credentials", CLIENT, basic(secret="x"), "invalid_client", 401),
        ("oauth2_client_credentials", CLIENT, "Basic !!!", "invalid_client", 401),
        ("oauth2_client_credentials", CLIENT, "Basic " + base64.b64encode(b"no-colon").decode(), "invalid_client", 401),
        (
            "oauth2_client_credentials",
            CLIENT,
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "invalid_client",
            401,
        ),
        ("oauth2_client_credentials", CLIENT, "Bearer abc", "invalid_client", 401),
        ("oauth2_client_credentials", CLIENT | IN_BODY, basic(), "invalid_request", 400),
        ("oauth2_client_credentials_body", CLIENT, basic(), "invalid_client", 401),
        ("oauth2_client_credentials_basic", CLIENT | IN_BODY, None, "invalid_client", 401),
        ("oauth2_client_credentials", IN_BODY, None, "invalid_request", 400),
        ("oauth2_client_credentials", USER | IN_BODY, None, "unsupported_grant_type", 400),
        ("oauth2_password", CLIENT | IN_BODY, None, "unsupported_grant_type", 400),
        ("oauth2_password", {"grant_type": "password"} | IN_BODY, None, "invalid_request", 400),
        ("oauth2_password", USER | IN_BODY | {"password": "x"}, None, "invalid_grant", 400),
    ],
)
def test_refuses(kind: AuthKind, form: dict[str, str], authorization: str | None, error: str, status: int) -> None:
    tokens = Tokens(kind, ODD, 60, Clock())

    refused = tokens.answer(FORM, authorization, urlencode(form).encode())

    assert isinstance(refused, Refused)
    assert (refused.error, refused.status) == (error, status)
    assert tokens.issued == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b"grant_type=client_credentials", id="not a form"),
        pytest.param(FORM, b"grant_type=client_credentials&grant_type=password", id="twice"),
        pytest.param(FORM, b"grant_type=%ff", id="not UTF-8, escaped"),
        pytest.param(FORM, b"\xff", id="not UTF-8"),
    ],
)
def test_refuses_what_is_no_form(content_type: str, body: bytes) -> None:
    refused = Tokens("oauth2_client_credentials", ODD, 60, Clock()).answer(content_type, None, body)

    assert isinstance(refused, Refused)
    assert (refused.error, refused.status) == ("invalid_request", 400)


def test_a_resource_may_be_given_twice() -> None:
    """RFC 8707 §2; no other parameter may (RFC 6749 §3.2)."""
    form = [*(CLIENT | IN_BODY).items(), ("resource", "a"), ("resource", "b"), ("audience", "c"), ("audience", "d")]
    tokens = Tokens("oauth2_client_credentials", ODD, 60, Clock())

    assert isinstance(tokens.answer(FORM, None, urlencode(form).encode()), Issued)
    refused = tokens.answer(FORM, None, urlencode([*form, ("scope", "a"), ("scope", "b")]).encode())
    assert isinstance(refused, Refused)
    assert refused.error == "invalid_request"


def test_rejecting_for_a_while_ends_by_itself() -> None:
    clock = Clock()
    tokens = Tokens("none", ODD, 60, clock)
    assert tokens.accepts(None)

    tokens.reject_for(5)

    assert not tokens.accepts(None)
    clock.now += 5
    assert tokens.accepts(None)
