"""Unpacks a token answer that came compressed although nobody asked for that: bounded, pure, and it never raises."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

#: Of what is unpacked, as much as of what is not (``transport_bounds.BODY_LIMIT``): no token answer is longer.
UNPACKED_LIMIT = 64 * 1024

#: Every gzip file begins so (RFC 1952 §2.3.1), and no JSON text does: some servers forget to say that they pack.
_GZIP = b"\x1f\x8b"
_GZIP_BITS, _ZLIB_BITS, _BARE_BITS = 31, 15, -15
_NAMES = {"x-gzip": "gzip"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A body that cannot be unpacked. ``reason`` follows "with" and is fit for a log."""

    reason: str


def unpack(content_encoding: str, body: bytes) -> bytes | Packed:
    """The body as it was before it was compressed.

    Args:
        content_encoding: the header's value, empty where there is none.
        body: what came.
    """
    if body.startswith(_GZIP):
        return _inflated("gzip", body, _GZIP_BITS)
    named = [name.strip().lower() for name in content_encoding.split(",")]
    codings = [_NAMES.get(name, name) for name in named if name not in ("", "identity")]
    # What does not begin as gzip is none, whatever the header says, and an object is plain: a proxy has unpacked it.
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
