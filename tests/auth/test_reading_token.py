"""Reading a token endpoint's answer: a table of what servers send, and anything at all by Hypothesis."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.auth.reading.token import TokenFailed, TokenGranted, TokenRefused, is_presentable, read_token


def granted(**fields: object) -> TokenGranted:
    answer = read_token(200, json.dumps({"access_token": "abc", "token_type": "Bearer", **fields}).encode())
    assert isinstance(answer, TokenGranted)
    return answer


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (3600, 3600.0),
        (1, 1.0),
        (0.5, 0.5),
        ("3600", 3600.0),
        ("3600.5", 3600.5),
        (" 60 ", 60.0),
        (10**15, 1e15),
        (0, None),
        ("0", None),
        (-1, None),
        ("-5", None),
        (None, None),
        (True, None),
        ("", None),
        ("abc", None),
        ("2026-11-20T10:15:00Z", None),
        ("Infinity", None),
        ("nan", None),
        (math.nan, None),
        (math.inf, None),
        (10**400, None),
        ("9" * 5000, None),
        ([3600], None),
        ({"seconds": 3600}, None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_lifetime_is_positive_seconds_or_unknown(expires_in: object, seconds: float | None) -> None:
    assert granted(expires_in=expires_in).lifetime_seconds == seconds


def test_a_lifetime_of_thousands_of_digits_costs_no_token() -> None:
    body = b'{"access_token": "abc", "expires_in": ' + b"9" * 10_000 + b"}"

    assert read_token(200, body) == TokenGranted("abc", None, None)


def test_no_lifetime_is_unknown() -> None:
    assert granted().lifetime_seconds is None


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", None])
def test_a_bearer_token_is_granted(kind: str | None) -> None:
    assert granted(token_type=kind).access_token == "abc"


def test_a_token_type_may_be_absent() -> None:
    assert isinstance(read_token(200, b'{"access_token": "abc"}'), TokenGranted)


@pytest.mark.parametrize(
    ("refresh_token", "read"),
    [("r 1", "r 1"), ("", None), (None, None), (7, None), ("a\r\nb", None), ("\ud800", None)],
)
def test_a_refresh_token_is_printable_or_none(refresh_token: object, read: str | None) -> None:
    assert granted(refresh_token=refresh_token).refresh_token == read


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"access_token=abc&token_type=bearer", id="a form"),
        pytest.param(b"<html>hunter2</html>", id="a page"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'["abc"]', id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(b'{"access_token": ""}', id="empty token"),
        pytest.param(b'{"access_token": null}', id="null token"),
        pytest.param(b'{"access_token": 7}', id="number token"),
        pytest.param(b'{"access_token": "hunter2\\r\\nX-Evil: 1"}', id="token with CR/LF"),
        pytest.param(b'{"access_token": "hunter2 b"}', id="token with a space"),
        pytest.param('{"access_token": "hunter2ä"}'.encode(), id="token with an umlaut"),
        pytest.param(b'{"access_token": "hunter2", "token_type": "mac"}', id="another type"),
        pytest.param(b'{"access_token": "hunter2", "token_type": ["bearer"]}', id="odd type"),
    ],
)
def test_anything_else_is_a_failure_that_shows_nothing_of_it(body: bytes) -> None:
    answer = read_token(200, body)

    assert isinstance(answer, TokenFailed)
    assert "hunter2" not in repr(answer)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 415, 418, 422, 451, 499])
def test_a_client_error_refuses_the_credentials(status: int) -> None:
    body = b'{"error": "invalid_client", "error_description": "secret hunter2 is wrong"}'

    assert read_token(status, body) == TokenRefused(f"HTTP {status} invalid_client")


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 407, 408, 425, 429, 500, 502, 503, 504, 999])
def test_any_other_status_is_the_endpoints_failure(status: int) -> None:
    body = b'{"access_token": "hunter2", "error": "temporarily_unavailable"}'

    assert read_token(status, body) == TokenFailed(f"HTTP {status} temporarily_unavailable")


def test_an_error_with_status_200_is_told() -> None:
    assert read_token(200, b'{"error": "bad_code"}') == TokenFailed("HTTP 200 without an access_token bad_code")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("a\r\nb", " a??b"),
        ("caf\u00e9 \u001b[31m", " caf???[31m"),
        ("x" * 200, " " + "x" * 64),
        ("", ""),
        (["invalid"], ""),
        (None, ""),
    ],
)
def test_an_error_code_is_made_fit_for_a_log(code: object, shown: str) -> None:
    assert read_token(400, json.dumps({"error": code}).encode()) == TokenRefused(f"HTTP 400{shown}")


def test_tokens_are_in_no_repr() -> None:
    assert "hunter2" not in repr(granted(access_token="hunter2", refresh_token="hunter2"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(
    st.sampled_from(["access_token", "token_type", "expires_in", "refresh_token", "error", "scope"]), JSON
)


# Generation is slow where other tests share the machine, which says nothing about the reader.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(100, 999), st.one_of(FIELDS.map(lambda fields: json.dumps(fields).encode()), st.binary()))
def test_any_answer_is_read(status: int, body: bytes) -> None:
    match read_token(status, body):
        case TokenGranted(token, seconds, _):
            assert is_presentable(token)
            assert seconds is None or 0 < seconds < math.inf
        case TokenRefused(detail) | TokenFailed(detail):
            assert detail.isascii()
            assert detail.isprintable()
            assert len(detail) < 160
