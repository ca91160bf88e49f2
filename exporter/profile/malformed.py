"""Says where and why an event is malformed, in words that never quote the event's values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from exporter.profile.paths import escaped
from exporter.sections.printable import printable

#: A step of a place longer than this is cut: ids are opaque and may be of any length.
_STEP_LENGTH = 100

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>.*)`)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<got>.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")
_BYTE = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<byte>[0-9]+)\)", re.DOTALL)

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
    """An event that cannot be read, or whose profile cannot be sent.

    ``place`` is a path (``changes.segments[2].to``) or ``byte 123``; ``profile_id`` and ``event_id`` are given where
    readable all the same. ``schema_place`` is the place without keys that the profile chooses, which may be personal
    data: None where ``place`` has no such key.
    """

    place: str
    reason: str
    profile_id: str | None = None
    event_id: str | None = None
    schema_place: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"

    def for_logs(self) -> str:
        """Place and reason, without anything from the profile."""
        return f"{self.schema_place or self.place}: {self.reason}"


def place_of(*steps: str | int) -> str:
    """A place as text: ``place_of("profile", "identityMap", "ecid", 0)`` is ``profile.identityMap.ecid[0]``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            step = escaped(step)
            step = step if len(step) <= _STEP_LENGTH else f"{step[:_STEP_LENGTH]}…"
            text += f".{printable(step)}" if text else printable(step)
    return text


def wrong_kind(expected: Literal["str", "object", "array"], raw: bytes) -> str | None:
    """Why the JSON value ``raw`` is not of the ``expected`` kind, or None if it is."""
    got = _FIRST_BYTES.get(chr(raw[0]), "int")
    return None if got == expected else f"must be {_KINDS[expected]}, not {_KINDS[got]}"


def refused(body: bytes, error: msgspec.DecodeError, prefix: str = "") -> Malformed:
    """Turn a decoder's error about ``body`` into words; a path in ``error`` is taken as a path below ``prefix``."""
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
    if parts := _BYTE.fullmatch(message):
        # For characters after the value msgspec names the byte behind the first of the characters.
        byte = int(parts["byte"]) - (parts["what"] == "trailing characters")
        return Malformed(f"byte {byte}", f"not JSON: {parts['what']}")
    if not body.strip():
        return Malformed("byte 0", "not JSON: empty")
    return Malformed(f"byte {len(body)}", "not JSON: ends too early" if "truncated" in message else "not JSON")
