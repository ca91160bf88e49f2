"""Reads the token endpoint's answer: pure, and never raises, whatever the answer holds (RFC 6749 §5)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from exporter.auth.reading.unpacking import Packed, unpack

# 407 is the proxy's, the others pass (contract.md#whose-fault): none of them says that the credentials are wrong. Not
# 403, with which token servers refuse; their error code tells.
_PASSING = frozenset({407, 408, 409, 421, 425, 429})
#: What servers mean by these two is known without a word of theirs (RFC 6749 §5.2). Any other 4xx without an error code
#: may come from anybody on the way, to whom no credentials were shown.
_REFUSING = frozenset({400, 401})
#: The form of all codes of RFC 6749, of its extensions and of servers with additions; "Forbidden" is no code.
_ERROR_CODE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
#: With these codes the token endpoint admits a fault of its own (RFC 6749 §4.1.2.1), whatever the status.
_FAILING_CODES = frozenset({"server_error", "temporarily_unavailable"})
_HINTS: Mapping[int, str] = {
    403: "a firewall in front of it may have answered",
    404: "is token_url right?",
    405: "is token_url right?",
    410: "is token_url right?",
}
#: A ``token_type`` that is longer, or has other characters, is no name, and might be anything.
_TYPE_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,32}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_NOT_IN_A_CODE = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")
_CODE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class TokenGranted:
    """A token to present; ``lifetime_seconds`` is None where the answer does not say anything usable.

    ``oddity`` is a flaw that an operator should know of, in an answer that was good enough; fit for a log.
    """

    access_token: str = field(repr=False)
    lifetime_seconds: float | None
    refresh_token: str | None = field(repr=False)
    oddity: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """The token endpoint does not accept the credentials. ``detail`` is fit for a log."""

    detail: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TokenFailed:
    """The token endpoint does not work now, or its answer is of no use to a client. ``detail`` is fit for a log."""

    detail: str
    cause: Literal["token_endpoint", "proxy"] = "token_endpoint"
    retry_after_seconds: float | None = None


TokenAnswer = TokenGranted | TokenRefused | TokenFailed


def read_token(status: int, headers: Mapping[str, str], body: bytes) -> TokenAnswer:
    """The meaning of an answer of the token endpoint.

    Args:
        status: the HTTP status.
        headers: by lower-case name.
        body: the body, as far as read.

    Of the body a detail carries the OAuth ``error`` code only (RFC 6749 §5.2): a description may quote a secret.
    """
    plain = unpack(headers.get("content-encoding", ""), body)
    answer = None if isinstance(plain, Packed) else _object(plain)
    if not 200 <= status < 300:
        return _without_token(status, answer)
    if isinstance(plain, Packed):
        return TokenFailed(f"HTTP {status} with {plain.reason}")
    if answer is None:
        return TokenFailed(f"HTTP {status} without a {'JSON object' if plain else 'body'}")
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        return TokenFailed(f"HTTP {status} without an access_token{_code(answer)}")
    if not is_presentable(token):
        return TokenFailed(f"HTTP {status} with an access_token that no header can carry")
    lifetime, refresh_token = _lifetime(answer.get("expires_in")), _refresh_token(answer.get("refresh_token"))
    return TokenGranted(token, lifetime, refresh_token, _oddity(answer.get("token_type"), token))


def _without_token(status: int, answer: dict[str, Any] | None) -> TokenRefused | TokenFailed:
    detail = f"HTTP {status}{_code(answer)}"
    if status == 407:
        return TokenFailed(detail, "proxy")
    error = answer.get("error") if answer else None
    code = error if isinstance(error, str) else ""
    if not 400 <= status <= 499 or status in _PASSING or code in _FAILING_CODES:
        return TokenFailed(detail)
    if status in _REFUSING or _ERROR_CODE.fullmatch(code):
        return TokenRefused(detail)
    hint = _HINTS.get(status)
    return TokenFailed(f"HTTP {status} without an OAuth error code{f'; {hint}' if hint else ''}")


def is_presentable(token: str) -> bool:
    """Whether a header can carry the token: visible ASCII, so no space and no line break."""
    return _VISIBLE.fullmatch(token) is not None


def _object(body: bytes) -> dict[str, Any] | None:
    # Not orjson: it refuses NaN, and an odd ``expires_in`` must not cost the token. Numbers are read as floats since
    # an int of thousands of digits raises.
    try:
        value = json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _oddity(kind: object, token: str) -> str | None:
    """The flaw of a ``token_type``, which RFC 6749 §5.1 requires; the token is presented as Bearer all the same."""
    if isinstance(kind, str) and kind.lower() == "bearer":
        return None
    if kind is None or kind == "":
        what = "names no token_type"
    elif isinstance(kind, str) and _TYPE_NAME.fullmatch(kind) and kind not in token:
        what = f"names the token_type {kind}"
    else:
        what = "names an odd token_type"
    return f"the token endpoint {what}; its token is presented as Bearer"


def _code(answer: dict[str, Any] | None) -> str:
    code = answer.get("error") if answer else None
    if not isinstance(code, str):
        return ""
    shown = _NOT_IN_A_CODE.sub("?", code)
    return f" {shown[:_CODE_LENGTH]}" if shown else ""


def _lifetime(value: object) -> float | None:
    """Seconds, or None: servers send numbers, numbers in quotes, zero for "unknown", dates and worse."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _refresh_token(value: object) -> str | None:
    return value if isinstance(value, str) and _PRINTABLE.fullmatch(value) else None
