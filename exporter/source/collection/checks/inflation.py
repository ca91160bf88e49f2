"""Decompresses a body, whole and no further than its limit."""

from __future__ import annotations

import zlib
from enum import Enum
from typing import Literal

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
#: A gzip body may be several members one behind the other (RFC 1952 §2.2); each takes 20 bytes at least.
_MEMBERS = 1000


class Unfit(Enum):
    """Why a compressed body has no plain one."""

    BROKEN = "broken"
    TOO_LARGE = "too large"


def inflate(body: bytes, encoding: Literal["gzip", "deflate"], limit: int) -> bytes | Unfit:
    """The plain body, of at most ``limit`` bytes; ``BROKEN`` also where it ends early or goes on after its end."""
    if encoding == "gzip":
        return _members(body, limit)
    plain = _whole(body, _ZLIB, limit)
    # Widespread clients send the bare algorithm where RFC 9110 §8.4.1.2 has it wrapped.
    return _whole(body, _RAW, limit) if plain is Unfit.BROKEN else plain


def _whole(body: bytes, window: int, limit: int) -> bytes | Unfit:
    inflating = zlib.decompressobj(window)
    try:
        plain = inflating.decompress(body, limit + 1)
    except zlib.error:
        return Unfit.BROKEN
    if len(plain) > limit:
        return Unfit.TOO_LARGE
    return plain if inflating.eof and not inflating.unused_data else Unfit.BROKEN


def _members(body: bytes, limit: int) -> bytes | Unfit:
    plain = b""
    rest = body
    for _ in range(_MEMBERS):
        inflating = zlib.decompressobj(_GZIP)
        try:
            plain += inflating.decompress(rest, limit - len(plain) + 1)
        except zlib.error:
            return Unfit.BROKEN
        if len(plain) > limit:
            return Unfit.TOO_LARGE
        if not inflating.eof:
            return Unfit.BROKEN
        rest = inflating.unused_data
        if not rest:
            return plain
    return Unfit.BROKEN
