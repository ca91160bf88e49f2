r"""Half an emoji: the escape of one half of a surrogate pair, which is JSON by its grammar and no text.

Decoders refuse a half wherever the half stands. So each half is replaced by a stand-in of the same length, a character
without a meaning that the event does not hold; then the event is read as usual, and only ids and the document are
searched for the stand-in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from exporter.profile.event.change import Change
from exporter.profile.malformed import Malformed, place_of
from exporter.profile.paths import PathTree

REASON = "an escaped surrogate without its other half"

#: The escape of a half, behind as many backslashes as escape each other. Possessive quantifiers would look simpler, but
#: those of CPython 3.11.2, which Debian has, pass over matches.
_ESCAPED_HALF = re.compile(rb"(?<!\\)(?:\\\\)*\\u([dD][89a-fA-F][0-9a-fA-F]{2})")
#: Noncharacters of Unicode: no exchanged text holds any.
_STAND_INS = tuple(range(0xFDD0, 0xFDF0))


@dataclass(frozen=True, slots=True)
class Mended:
    """An event whose halves are replaced by ``stand_in``; ``at`` is the offset of the first half."""

    body: bytes
    stand_in: str
    at: int


def mended(body: bytes) -> Mended | None:
    """``body`` with each half replaced; None where there is no half (or every stand-in is taken)."""
    found = lone_surrogates(body)
    if not found:
        return None
    lower = body.lower()
    for code in _STAND_INS:
        if b"u%x" % code not in lower and chr(code).encode() not in body:
            parts, at = [], 0
            for offset in found:
                parts += [body[at:offset], b"\\u%x" % code]
                at = offset + 6
            return Mended(b"".join([*parts, body[at:]]), chr(code), found[0])
    return None


def lone_surrogates(body: bytes) -> list[int]:
    """Where the escapes of half a surrogate pair stand, as offsets in bytes."""
    found: list[int] = []
    high_end = -1
    for half in _ESCAPED_HALF.finditer(body):
        at = half.end()
        begins = at - 6
        if int(half[1], 16) < 0xDC00:
            found.append(begins)
            high_end = at
        elif begins == high_end:
            found.pop()
            high_end = -1
        else:
            found.append(begins)
    return found


def half_in(document: bytes, change: Change, attributes: PathTree) -> Malformed | None:
    """Malformed if a half would be sent with ``document``, built of a mended change; otherwise None.

    The place is the mapped path or the part: keys below may be personal data.
    """
    stand_in = change.stand_in
    if stand_in is None or not _holds(document, stand_in):
        return None
    members: Any = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    return Malformed(place_of("profile", *_way(members, attributes, stand_in)), REASON, change.profile_id, change.id)


def _way(members: dict[str, msgspec.Raw], mapped: PathTree, stand_in: str) -> list[str]:
    """The steps, as far as the mapping knows, to the first member that holds the stand-in."""
    for step, raw in members.items():
        if _holds(bytes(raw), stand_in):
            below = mapped.get(step)
            return [
                step,
                *(_way(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]), below, stand_in) if below else ()),
            ]
    return []


def _holds(document: bytes, stand_in: str) -> bool:
    return stand_in.encode() in document or b"\\u%x" % ord(stand_in) in document
