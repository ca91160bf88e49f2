"""Reading a token endpoint's answer: a table of what servers send, and anything at all by Hypothesis."""

from __future__ import annotations

import gzip
import json
import math
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.auth.reading.token import TokenAnswer, TokenFailed, TokenGranted, TokenRefused, is_presentable, read_token


def read(status: int, body: bytes, content_encoding: str | None = None) -> TokenAnswer:
    return read_token(status, {} if content_encoding is None else {"content-encoding": content_encoding}, body)


def granted(**fields: object) -> TokenGranted:
    answer = read(200, json.dumps({"access_token": "abc", "token_type": "Bearer", **fields}).encode())
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

    assert isinstance(answer := read(200, body), TokenGranted)
    assert (answer.access_token, answer.lifetime_seconds) == ("abc", None)


def test_no_lifetime_is_unknown() -> None:
    assert granted().lifetime_seconds is None


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_nothing_odd(kind: str) -> None:
    answer = granted(token_type=kind)

    assert (answer.access_token, answer.oddity) == ("abc", None)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("BearerToken", "names the token_type BearerToken"),
        ("JWT", "names the token_type JWT"),
        ("mac", "names the token_type mac"),
        ("urn:ietf:params:oauth:token-type:jwt", "names an odd token_type"),
        ("hunter2\r\nX: 1", "names an odd token_type"),
        ("b", "names an odd token_type"),  # it stands in the token, so it may be some of it
        ("x" * 33, "names an odd token_type"),
        (["bearer"], "names an odd token_type"),
        (7, "names an odd token_type"),
        ("", "names no token_type"),
        (None, "names no token_type"),
    ],
)
def test_a_token_of_another_type_is_presented_all_the_same(kind: object, what: str) -> None:
    answer = granted(token_type=kind)

    assert answer.access_token == "abc"
    assert answer.oddity == f"the token endpoint {what}; its token is presented as Bearer"


def test_a_token_type_may_be_absent() -> None:
    answer = read(200, b'{"access_token": "abc"}')

    assert isinstance(answer, TokenGranted)
    assert answer.oddity == "the token endpoint names no token_type; its token is presented as Bearer"


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 226, 299])
def test_any_2xx_with_a_token_grants_it(status: int) -> None:
    answer = read(status, b'{"access_token": "abc", "token_type": "Bearer", "expires_in": 60}')

    assert answer == TokenGranted("abc", 60.0, None)


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_2xx_without_a_token_is_a_failure_with_its_status(status: int) -> None:
    assert read(status, b"") == TokenFailed(f"HTTP {status} without a body")
    assert read(status, b"[]") == TokenFailed(f"HTTP {status} without a JSON object")
    assert read(status, b"{}") == TokenFailed(f"HTTP {status} without an access_token")


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
    ],
)
def test_anything_else_is_a_failure_that_shows_nothing_of_it(body: bytes) -> None:
    answer = read(200, body)

    assert isinstance(answer, TokenFailed)
    assert "hunter2" not in repr(answer)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 415, 418, 422, 451, 499])
def test_a_client_error_refuses_the_credentials(status: int) -> None:
    body = b'{"error": "invalid_client", "error_description": "secret hunter2 is wrong"}'

    assert read(status, body) == TokenRefused(f"HTTP {status} invalid_client")


@pytest.mark.parametrize("status", [301, 302, 307, 408, 409, 421, 425, 429, 500, 502, 503, 504, 999])
def test_any_other_status_is_the_endpoints_failure(status: int) -> None:
    body = b'{"access_token": "hunter2", "error": "temporarily_unavailable"}'

    assert read(status, body) == TokenFailed(f"HTTP {status} temporarily_unavailable")


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("code", ["server_error", "temporarily_unavailable"])
def test_a_token_endpoint_that_takes_the_blame_refuses_nothing(status: int, code: str) -> None:
    assert read(status, json.dumps({"error": code}).encode()) == TokenFailed(f"HTTP {status} {code}")


@pytest.mark.parametrize("status", [408, 409, 421, 425, 429])
@pytest.mark.parametrize("body", [b'{"error": "invalid_client"}', b"<html>no</html>"])
def test_a_status_that_passes_refuses_nothing_whatever_is_said(status: int, body: bytes) -> None:
    assert isinstance(answer := read(status, body), TokenFailed)
    assert answer.detail.removesuffix(" invalid_client") == f"HTTP {status}"


def test_407_is_the_proxys() -> None:
    assert read(407, b"") == TokenFailed("HTTP 407", "proxy")


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"message": "no"}'])
def test_400_and_401_refuse_without_a_word(status: int, body: bytes) -> None:
    assert read(status, body) == TokenRefused(f"HTTP {status}")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>Request blocked.</html>", id="a firewall's page"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"message": "Forbidden"}', id="a gateway's"),
        pytest.param(b'{"status": 403, "error": "Forbidden", "path": "/token"}', id="a framework's"),
        pytest.param(b'{"error": {"code": 403}}', id="an API's"),
    ],
)
def test_403_from_somebody_on_the_way_says_nothing_of_credentials(body: bytes) -> None:
    hint = "a firewall in front of it may have answered"

    assert read(403, body) == TokenFailed(f"HTTP 403 without an OAuth error code; {hint}")


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (404, "HTTP 404 without an OAuth error code; is token_url right?"),
        (405, "HTTP 405 without an OAuth error code; is token_url right?"),
        (406, "HTTP 406 without an OAuth error code"),
        (451, "HTTP 451 without an OAuth error code"),
    ],
)
def test_other_client_errors_without_a_code_are_no_refusal(status: int, detail: str) -> None:
    assert read(status, b"<html>hunter2</html>") == TokenFailed(detail)


class TestPacked:
    """Nobody asked for it (Accept-Encoding: identity), and servers and proxies do it all the same."""

    WHOLE = b'{"access_token": "abc", "token_type": "Bearer"}'

    @pytest.mark.parametrize(
        ("coding", "body"),
        [
            pytest.param("gzip", gzip.compress(WHOLE), id="gzip"),
            pytest.param("GZIP", gzip.compress(WHOLE), id="another case"),
            pytest.param("x-gzip", gzip.compress(WHOLE), id="the old name"),
            pytest.param("identity, gzip", gzip.compress(WHOLE), id="identity first"),
            pytest.param(None, gzip.compress(WHOLE), id="gzip that nobody names"),
            pytest.param("gzip", gzip.compress(WHOLE[:9]) + gzip.compress(WHOLE[9:]), id="two members"),
            pytest.param("gzip", gzip.compress(WHOLE) + b"\0\0", id="zeros behind it"),
            pytest.param("gzip", WHOLE, id="gzip that is none"),
            pytest.param("deflate", zlib.compress(WHOLE), id="deflate"),
            pytest.param("deflate", zlib.compress(WHOLE, wbits=-15), id="bare deflate"),
            pytest.param("deflate", WHOLE, id="deflate that is none"),
            pytest.param("br", WHOLE, id="br that is none"),
            pytest.param("identity", WHOLE, id="identity"),
            pytest.param("", WHOLE, id="empty"),
            pytest.param(" , ", b" \r\n" + WHOLE, id="nothing but commas"),
        ],
    )
    def test_a_token_is_unpacked(self, coding: str | None, body: bytes) -> None:
        assert read(200, body, coding) == TokenGranted("abc", None, None)

    @pytest.mark.parametrize("bits", [31, 15, -15])
    @pytest.mark.parametrize("cut", [1, 5, 12, 30])
    def test_one_that_ends_too_early_is_a_named_failure(self, bits: int, cut: int) -> None:
        coding = "gzip" if bits == 31 else "deflate"
        body = zlib.compress(self.WHOLE, wbits=bits)[:-cut]

        answer = read(200, body, coding)

        assert isinstance(answer, TokenFailed)
        assert answer.detail in {
            f"HTTP 200 with a body in {coding} that ends too early",
            f"HTTP 200 with a body in {coding} that cannot be unpacked",
        }

    def test_a_truncated_gzip_says_so(self) -> None:
        answer = read(201, gzip.compress(self.WHOLE)[:-9], "gzip")

        assert answer == TokenFailed("HTTP 201 with a body in gzip that ends too early")

    @pytest.mark.parametrize(("coding", "bits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
    def test_a_bomb_is_not_unpacked(self, coding: str, bits: int) -> None:
        body = zlib.compress(b'{"access_token": "abc", "x": "' + b" " * 5_000_000 + b'"}', wbits=bits)
        tracemalloc.start()
        try:
            answer = read(200, body, coding)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert answer == TokenFailed(f"HTTP 200 with a body in {coding} that unpacks to more than 64 KiB")
        assert most < 1_000_000

    def test_what_just_fits_is_unpacked(self) -> None:
        padded = self.WHOLE[:-1] + b" " * (64 * 1024 - len(self.WHOLE)) + b"}"

        assert read(200, gzip.compress(padded), "gzip") == TokenGranted("abc", None, None)
        assert isinstance(read(200, gzip.compress(padded + b" "), "gzip"), TokenFailed)

    @pytest.mark.parametrize("coding", ["br", "zstd", "gzip, deflate", "hunter2"])
    def test_other_codings_are_a_named_failure(self, coding: str) -> None:
        answer = read(200, zlib.compress(self.WHOLE), coding)

        assert answer == TokenFailed("HTTP 200 with a body in a coding that was not asked for")

    def test_an_error_is_unpacked_too(self) -> None:
        body = gzip.compress(b'{"error": "invalid_client"}')

        assert read(400, body, "gzip") == TokenRefused("HTTP 400 invalid_client")
        assert read(400, body[:-9], "gzip") == TokenRefused("HTTP 400")


def test_an_error_with_status_200_is_told() -> None:
    assert read(200, b'{"error": "bad_code"}') == TokenFailed("HTTP 200 without an access_token bad_code")


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
    assert read(400, json.dumps({"error": code}).encode()) == TokenRefused(f"HTTP 400{shown}")


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
@given(
    st.integers(100, 999),
    st.one_of(FIELDS.map(lambda fields: json.dumps(fields).encode()), st.binary()),
    st.sampled_from([lambda body: body, gzip.compress, zlib.compress, lambda body: b"\x1f\x8b" + body]),
    st.sampled_from([None, "gzip", "deflate", "br"]) | st.text(),
)
def test_any_answer_is_read(status: int, body: bytes, pack: Callable[[bytes], bytes], coding: str | None) -> None:
    match read(status, pack(body), coding):
        case TokenGranted(token, seconds, _, oddity):
            assert is_presentable(token)
            assert seconds is None or 0 < seconds < math.inf
            assert oddity is None or (oddity.isascii() and oddity.isprintable() and len(oddity) < 160)
        case TokenRefused(detail) | TokenFailed(detail):
            assert detail.isascii()
            assert detail.isprintable()
            assert len(detail) < 160
