"""Puts declared fields, paths with types, together into one JSON Schema document of closed objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.sections.mistakes import Mistake, Steps
from exporter.source.xdm.declaring.field_paths import FieldPath, Into, parse_field_path, split_endings
from exporter.source.xdm.declaring.field_types import TYPES, type_problem

_SHAPES = {Into.ELEMENTS: "an array", Into.VALUES: "a map"}


@dataclass(slots=True)
class _Place:
    """What is declared for one place: its type's name, and what stands below it."""

    type: str | None = None
    keys: dict[str, _Place] = field(default_factory=dict)
    into: dict[Into, _Place] = field(default_factory=dict)

    def below(self, step: str | Into) -> _Place:
        """The place of a step, made where it was not declared yet."""
        if isinstance(step, Into):
            return self.into.setdefault(step, _Place())
        return self.keys.setdefault(step, _Place())

    def shapes(self) -> list[str]:
        """What the steps below make of the place; more than one thing is a mistake."""
        return ["an object"] * bool(self.keys) + [_SHAPES[into] for into in self.into]


class FieldDeclarations:
    """Declared fields, as far as they are added; ``mistakes`` are those found by then."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._root = _Place()

    def add(self, fields: Mapping[str, str], at: Steps) -> None:
        """Adds ``fields``, which stand ``at`` a place of the declaration. One path may be added again, as it was."""
        for text, type_name in fields.items():
            if reason := self._add(text, type_name):
                self.mistakes.append(Mistake((*at, text), reason))

    def _add(self, text: str, type_name: str) -> str | None:
        path = parse_field_path(text)
        if isinstance(path, str):
            return path
        name, endings = split_endings(type_name.strip())
        if reason := type_problem(name):
            return reason
        return self._put((*path, *endings), name)

    def _put(self, path: FieldPath, name: str) -> str | None:
        place = self._root
        for step in path:
            if place.type not in (None, "object") or (place.type == "object" and isinstance(step, Into)):
                return f"stands below a field of type {place.type}"
            below = place.below(step)
            if len(shapes := place.shapes()) > 1:
                return f"would make {' and '.join(shapes)} of one field"
            place = below
        if place.type not in (None, name):
            return f"is {place.type} already, and can't be {name} as well"
        if (shapes := place.shapes()) and (shapes, name) != (["an object"], "object"):
            return f"is {shapes[0]} already, by what stands below it, and can't be {name} as well"
        place.type = name
        return None

    def document(self) -> dict[str, Any]:
        """The document of all that was added."""
        return _document(self._root)


def _document(place: _Place) -> dict[str, Any]:
    if place.keys:
        properties = {key: _document(below) for key, below in place.keys.items()}
        return {"type": "object", "additionalProperties": False, "properties": properties}
    if Into.ELEMENTS in place.into:
        return {"type": "array", "items": _document(place.into[Into.ELEMENTS])}
    if Into.VALUES in place.into:
        return {"type": "object", "additionalProperties": _document(place.into[Into.VALUES])}
    return dict(TYPES[place.type or "any"])
