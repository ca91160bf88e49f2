"""Finds the value inside a profile that has a wrong type, to name the place; decoding itself refuses the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from exporter.profile.event.change import Change
from exporter.profile.malformed import Malformed, place_of, wrong_kind


@dataclass(frozen=True, slots=True)
class _Each:
    """An object or a list whose values all have the same shape."""

    kind: Literal["object", "array"]
    of: _Shape


@dataclass(frozen=True, slots=True)
class _Fields:
    """An object with a shape for some keys; values of other keys may be anything."""

    of: Mapping[str, _Shape]


#: Stands for a key of the data in a place.
ANY_KEY = "*"

_Steps: TypeAlias = tuple[str | int, ...]
_Shape: TypeAlias = "_Each | _Fields | Literal['str']"

_PROFILE = _Fields(
    {
        "segmentMembership": _Each(
            "object", _Each("object", _Fields({"lastQualificationTime": "str", "status": "str"}))
        ),
        "identityMap": _Each("object", _Each("array", _Fields({"id": "str"}))),
    }
)


def unfit(change: Change) -> Malformed:
    """The first value of a wrong type in the profile of ``change``, which cannot be sent."""
    fault = _fault(change.profile, _PROFILE, ("profile",))
    # Only a doubled key leads to the fallback: the last value counts, but decoding sees the first too.
    steps, reason = fault or (("profile",), "has a value of a wrong type")
    place, schema_place = place_of(*steps), _schema_place(steps)
    return Malformed(place, reason, change.profile_id, change.id, None if place == schema_place else schema_place)


def _schema_place(steps: _Steps) -> str:
    """The place with a star for each key that the profile chooses."""
    shape: _Shape = _Fields({"profile": _PROFILE})
    shown: list[str | int] = []
    for step in steps:
        if isinstance(shape, _Each):
            shown.append(ANY_KEY if shape.kind == "object" else step)
            shape = shape.of
        elif isinstance(shape, _Fields):
            shown.append(step)
            shape = shape.of[str(step)]
    return place_of(*shown)


def _fault(raw: bytes, shape: _Shape, steps: _Steps) -> tuple[_Steps, str] | None:
    if raw == b"null":
        return None
    if shape == "str":
        wrong = wrong_kind("str", raw)
        return (steps, wrong) if wrong else None
    kind = shape.kind if isinstance(shape, _Each) else "object"
    if wrong := wrong_kind(kind, raw):
        return steps, wrong
    for step, value in _parts(raw, kind):
        below = shape.of if isinstance(shape, _Each) else shape.of.get(str(step))
        if below is not None and (fault := _fault(bytes(value), below, (*steps, step))):
            return fault
    return None


def _parts(raw: bytes, kind: Literal["object", "array"]) -> Iterable[tuple[str | int, msgspec.Raw]]:
    if kind == "array":
        return enumerate(msgspec.json.decode(raw, type=list[msgspec.Raw]))
    return msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()
