"""Reads the token endpoint's answer: pure, and it never raises, whatever the answer holds (RFC 6749 §5)."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

# 407 is the proxy's, the other three pass: none of them says that the credentials are wrong.
_PASSING = frozenset({407, 408, 425, 429})
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_NOT_IN_A_CODE = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")
_CODE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class TokenGranted:
    """A token to present; ``lifetime_seconds`` is None where the answer does not say anything usable."""

    access_token: str = field(repr=False)
    lifetime_seconds: float | None
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """The token endpoint does not accept the credentials. ``detail`` is fit for a log."""

    detail: str


@dataclass(frozen=True, slots=True)
class TokenFailed:
    """The token endpoint does not work now, or answers what no client can use. ``detail`` is fit for a log."""

    detail: str


TokenAnswer = TokenGranted | TokenRefused | TokenFailed


def read_token(status: int, body: bytes) -> TokenAnswer:
    """What an answer of the token endpoint means.

    Args:
        status: its HTTP status.
        body: its body, as much of it as was read.

    Of the body a detail carries the OAuth ``error`` code only (RFC 6749 §5.2): a description may quote a secret.
    """
    answer = _object(body)
    if status != 200:
        detail = f"HTTP {status}{_code(answer)}"
        return TokenRefused(detail) if 400 <= status <= 499 and status not in _PASSING else TokenFailed(detail)
    if answer is None:
        return TokenFailed("HTTP 200 without a JSON object")
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        return TokenFailed(f"HTTP 200 without an access_token{_code(answer)}")
    if not is_presentable(token):
        return TokenFailed("HTTP 200 with an access_token that no header can carry")
    kind = answer.get("token_type")
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "bearer"):
        return TokenFailed("HTTP 200 with a token_type other than bearer")
    return TokenGranted(token, _lifetime(answer.get("expires_in")), _refresh_token(answer.get("refresh_token")))


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
