"""The checks that come before decoding: size, UTF-8, and how deep an event is nested."""

from __future__ import annotations

import re

from exporter.profile.malformed import Malformed

#: An event with more levels is malformed. Far below a decoder's own limit, which depends on the caller's stack.
MAX_DEPTH = 200

_QUICK_ROUNDS = 5

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"?')
_NO_MARKS = bytes([byte for byte in range(256) if chr(byte) not in '{}[]"'])


def unsound(body: bytes, max_bytes: int) -> Malformed | None:
    """What is wrong with ``body`` before decoding; None if nothing is."""
    if len(body) > max_bytes:
        return Malformed(f"byte {max_bytes}", f"has {len(body)} bytes; max_event_bytes is {max_bytes}")
    if not body.isascii():
        try:
            str(body, "utf-8")
        except UnicodeDecodeError as error:
            return Malformed(f"byte {error.start}", "not UTF-8")
    # Few brackets cannot nest too deep, which spares nearly every event the exact look. (Removing brackets and
    # comparing lengths takes a third of the time of counting, because removing jumps from bracket to bracket.)
    if len(body) - len(body.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:
        return _too_deep(body)
    return None


def _too_deep(body: bytes) -> Malformed | None:
    """Follow the brackets outside strings. Of a body that is no JSON any result will do: decoding refuses the body."""
    marks = (_ESCAPE.sub(b"", body) if b"\\" in body else body).translate(None, _NO_MARKS)
    # Two quotes side by side may close a string and open the next: leaving out both keeps brackets between strings
    # between strings, and most strings hold no bracket.
    marks = marks.replace(b'""', b"")
    if b'"' in marks:
        marks = _STRING.sub(b"", marks)
    # A round takes out the innermost pairs, so two levels at most: brackets that are gone soon were not deep.
    rest = marks
    for _ in range(_QUICK_ROUNDS):
        rest = rest.replace(b"{}", b"").replace(b"[]", b"")
    if not rest:
        return None
    depth = 0
    for mark in marks:
        depth += 1 if mark in b"{[" else -1
        if depth > MAX_DEPTH:
            return Malformed(f"byte {_opening(body, MAX_DEPTH)}", f"nested deeper than {MAX_DEPTH} levels")
    return None


def _opening(body: bytes, level: int) -> int:
    """The offset of the bracket that opens the level after ``level``."""
    depth = 0
    quoted = escaped = False
    for offset, byte in enumerate(body):
        if quoted:
            quoted = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            quoted = True
        elif byte in b"{[":
            depth += 1
            if depth > level:
                return offset
        elif byte in b"}]":
            depth -= 1
    return len(body)
