"""The fields of a schema as a tree of types: what mappings coerce to, and where paths lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """The type of a field's value. ``MAP`` is an object with any keys, ``ANY`` a field of which no type is known."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATE_TIME = "date-time"
    OBJECT = "object"
    MAP = "map"
    ARRAY = "array"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: ``properties`` of an OBJECT, ``element`` of an ARRAY and for the values of a MAP."""

    kind: Kind
    properties: Mapping[str, Field] = field(default_factory=dict)
    element: Field | None = None
