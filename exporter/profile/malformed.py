"""Says what is wrong with an event: where, and why, in words that never quote the event's values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from exporter.sections.printable import printable

#: A step of a place longer than this is cut: ids are opaque and may be of any length.
_STEP_LENGTH = 100

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>.*)`)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<got>.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")
_BYTE = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<byte>[0-9]+)\)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)

_KINDS = {
    "str": "a string",
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FIRST_BYTES = {"{": "object", "[": "array", '"': "str", "t": "bool", "f": "bool", "n": "null"}


@dataclass(frozen=True, slots=True)
class Malformed:
    """An event that can't be read, or whose profile can't be sent.

    ``place`` is a path (``changes.segments[2].to``) or ``byte 123``; ``profile_id`` and ``event_id`` are what
    could be read of them nevertheless.
    """

    place: str
    reason: str
    profile_id: str | None = None
    event_id: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


def place_of(*steps: str | int) -> str:
    """A place as text: ``place_of("profile", "identityMap", "ecid", 0)`` is ``profile.identityMap.ecid[0]``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            step = step.replace("\\", "\\\\").replace(".", "\\.")
            step = step if len(step) <= _STEP_LENGTH else f"{step[:_STEP_LENGTH]}…"
            text += f".{printable(step)}" if text else printable(step)
    return text


def wrong_kind(expected: Literal["str", "object", "array"], raw: bytes) -> str | None:
    """Why the JSON value ``raw`` is not of the ``expected`` kind, or None if it is."""
    got = _FIRST_BYTES.get(chr(raw[0]), "int")
    return None if got == expected else f"must be {_KINDS[expected]}, not {_KINDS[got]}"


def refused(body: bytes, error: msgspec.DecodeError, prefix: str = "") -> Malformed:
    """What ``error`` says about ``body``; a path in it is taken as one below ``prefix``."""
    if isinstance(error, msgspec.ValidationError):
        return _wrong_type(str(error), prefix)
    return _not_json(body, str(error))


def _wrong_type(message: str, prefix: str) -> Malformed:
    parts = _MESSAGE.fullmatch(message)
    what, path = (parts["what"], parts["path"] or "$") if parts else (message, "$")
    place = (prefix + path[1:]).removeprefix(".")
    if missing := _MISSING.fullmatch(what):
        return Malformed(f"{place}.{missing['field']}".removeprefix("."), "is missing")
    if expected := _EXPECTED.fullmatch(what):
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in expected["expected"].split(" | "))
        got = _KINDS.get(expected["got"], expected["got"])
        return Malformed(place or "byte 0", f"must be {wanted}, not {got}")
    if what.startswith("Invalid enum value"):
        return Malformed(place, "is not one of realized, existing, exited")
    return Malformed(place or "byte 0", "has a wrong type")


def _not_json(body: bytes, message: str) -> Malformed:
    lone = _lone_surrogate(body)
    if lone is not None:
        return Malformed(f"byte {lone}", "an escaped surrogate without its other half")
    if parts := _BYTE.fullmatch(message):
        # For characters after the value msgspec names the byte behind the first one.
        byte = int(parts["byte"]) - (parts["what"] == "trailing characters")
        return Malformed(f"byte {byte}", f"not JSON: {parts['what']}")
    if not body.strip():
        return Malformed("byte 0", "not JSON: empty")
    return Malformed(f"byte {len(body)}", "not JSON: ends too early" if "truncated" in message else "not JSON")


def _lone_surrogate(body: bytes) -> int | None:
    """Where the first escape of half a surrogate pair stands, as an offset in bytes."""
    high_at = high_end = -1
    for escape in _ESCAPE.finditer(body):
        unit = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= unit <= 0xDFFF
        completes = high_at >= 0 and is_low and escape.start() == high_end
        if high_at >= 0 and not completes:
            return high_at
        if is_low and not completes:
            return escape.start()
        high_at, high_end = (escape.start(), escape.end()) if 0xD800 <= unit <= 0xDBFF else (-1, -1)
    return high_at if high_at >= 0 else None
