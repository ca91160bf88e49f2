"""Where a schema's identities stand: descriptors, and reading the values at their paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exporter.profile.paths import Path, parse_path
from exporter.source.xdm.fields import Field, Kind
from exporter.source.xdm.validation.pointers import steps_of

_ELEMENTS = ("[]", "[*]")
#: Kinds whose values can be ids.
_OF_IDS = (Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.DATE_TIME, Kind.ANY)


@dataclass(frozen=True, slots=True)
class IdentityDescriptor:
    r"""Says that a field holds ids of a namespace.

    ``path`` is written with dots (``workEmail.address``, ``\.`` for a dot in a key) or, if it begins with a slash, as a
    JSON pointer (``/workEmail/address``). It leads through arrays to each element; ``[]`` or ``[*]`` may say so.
    """

    path: str
    namespace: str
    primary: bool = False


def steps_to(path: str) -> Path:
    """The keys that lead to a descriptor's values; arrays are no steps."""
    steps = steps_of(f"#{path}") if path.startswith("/") else parse_path(path)
    return tuple(part for step in steps if (part := _without_elements(step)))


def _without_elements(step: str) -> str:
    while step.endswith(_ELEMENTS):
        step = step[: step.rindex("[")]
    return step if step != "*" else ""


def misplaced(root: Field, path: Path) -> str | None:
    """Why no id can stand at a path of a schema; None where one can."""
    if not path:
        return "is empty"
    field = root
    for step in path:
        field = _element(field)
        if field.kind is Kind.ANY:
            return None
        below = field.properties.get(step)
        if below is None and field.kind is Kind.MAP:
            below = field.element or Field(Kind.ANY)
        if below is None:
            return f"leads to no field of the schema: there is no {step}"
        field = below
    return None if _element(field).kind in _OF_IDS else f"leads to a field of type {field.kind.value}, which is no id"


def _element(field: Field) -> Field:
    while field.kind is Kind.ARRAY:
        field = field.element or Field(Kind.ANY)
    return field


def values_at(value: Any, path: Sequence[str]) -> Sequence[Any]:
    """What stands in a JSON value at the end of a path, in order; of arrays each element."""
    for at, step in enumerate(path):
        if isinstance(value, list):
            return [each for element in value for each in values_at(element, path[at:])]
        if not isinstance(value, dict) or step not in value:
            return ()
        value = value[step]
    if isinstance(value, list):
        return [each for element in value for each in values_at(element, ())]
    return (value,)
