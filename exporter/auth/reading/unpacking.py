"""Unpacks a token answer that came compressed unasked: bounded, pure, and never raises."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

#: The limit of an unpacked body, as of a plain body (``transport.bounds.BODY_LIMIT``): no token answer is longer.
UNPACKED_LIMIT = 64 * 1024

#: Every gzip file begins so (RFC 1952 §2.3.1), and no JSON text does: some servers compress without saying so.
_GZIP = b"\x1f\x8b"
_GZIP_BITS, _ZLIB_BITS, _BARE_BITS = 31, 15, -15
_NAMES = {"x-gzip": "gzip"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A body that cannot be unpacked. ``reason`` follows "with" and is fit for a log."""

    reason: str


def unpack(content_encoding: str, body: bytes) -> bytes | Packed:
    """The body before compression.

    Args:
        content_encoding: the header's value, empty without the header.
        body: the bytes received.
    """
    if body.startswith(_GZIP):
        return _inflated("gzip", body, _GZIP_BITS)
    named = [name.strip().lower() for name in content_encoding.split(",")]
    codings = [_NAMES.get(name, name) for name in named if name not in ("", "identity")]
    # A body that does not begin as gzip is no gzip, whatever the header says; an object is plain: a proxy unpacked it.
    if codings in ([], ["gzip"]) or body.lstrip()[:1] in (b"", b"{"):
        return body
    if codings != ["deflate"]:
        return Packed("a body in a coding that was not asked for")
    # RFC 9110 §8.4.1.2: "deflate" is zlib's format, and some servers send the bare stream.
    zlibs = body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflated("deflate", body, _ZLIB_BITS if zlibs else _BARE_BITS)


def _inflated(name: str, body: bytes, bits: int) -> bytes | Packed:
    found = b""
    while True:
        unpacking = zlib.decompressobj(bits)
        try:
            found += unpacking.decompress(body, UNPACKED_LIMIT + 1 - len(found))
        except zlib.error:
            return Packed(f"a body in {name} that cannot be unpacked")
        if len(found) > UNPACKED_LIMIT:
            return Packed(f"a body in {name} that unpacks to more than {UNPACKED_LIMIT // 1024} KiB")
        if not unpacking.eof:
            return Packed(f"a body in {name} that ends too early")
        body = unpacking.unused_data
        # RFC 1952 §2.2: a gzip file may be several, one after the other.
        if bits != _GZIP_BITS or not body.startswith(_GZIP):
            return found
