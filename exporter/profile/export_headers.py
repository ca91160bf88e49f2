"""The values of the two headers that tell exports apart: the idempotency key and the position."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote

_LONGEST_KEY = 255
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


def idempotency_key(destination: str, event_id: str) -> str:
    """``<destination>:<event_id>``, or its SHA-256 in hex where that is not 1-255 printable ASCII characters.

    A key that begins or ends with a space is hashed too: readers of the header strip spaces, so two events would share
    a key. The same on every retry, restart and replay (contract.md#the-request).
    """
    key = f"{destination}:{event_id}"
    if len(key) <= _LONGEST_KEY and _is_printable_ascii(key) and key[0] != " " and key[-1] != " ":
        return key
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def position_value(lane: str, position: int) -> str:
    """``<lane>-<position>``; characters of the lane that cannot stand in a header are percent-encoded."""
    # Asked for each export, and hardly any lane has anything to encode.
    if _is_printable_ascii(lane) and " " not in lane and "%" not in lane:
        return f"{lane}-{position}"
    return f"{quote(lane, safe=_PRINTABLE)}-{position}"


def _is_printable_ascii(text: str) -> bool:
    """Whether all characters are from space to tilde; True for an empty text."""
    return text.isascii() and text.isprintable()
