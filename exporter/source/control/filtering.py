"""Filters of lists: ``property=state==enabled``, ``sourceConnectionIds[]==a,b``, ``createdAt>1700000000000``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed

#: A step of a path, or the place in an array; without a number: any place.
Step = str | int | None

_EQUAL: Final = "=="
_UNEQUAL: Final = "!="
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
#: One sign alone means equality too: a page of the documentation writes it so.
_FILTER: Final = re.compile(r"([^=!<>~]*)(==|!=|>=|<=|[!=<>~]{2,}|[=<>~!])(.*)", re.DOTALL)
_STEP: Final = re.compile(r"([^\[\]]+)((?:\[[0-9]{0,8}\])*)")
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
#: What is compared whatever the case: clients write ``Failed`` for ``failed``.
_ANY_CASE: Final = frozenset({"state", "status"})


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter.

    Attributes:
        path: the steps to what is looked at.
        sign: ``==``, ``!=``, ``>=``, ``<=``, ``>`` or ``<``.
        values: any of them has to be equal, or none; a comparison has one.
    """

    path: tuple[Step, ...]
    sign: str
    values: tuple[str, ...]

    def lets(self, document: Mapping[str, Any]) -> bool:
        """Whether a document passes: where a path leads to several values, one of them is enough."""
        found = values_at(document, self.path)
        if self.sign in _COMPARISONS:
            return any(_compared(self.sign, each, self.values[0]) for each in found)
        any_case = self.path[-1] in _ANY_CASE
        equal = any(_equal(each, value, any_case) for each in found for value in self.values)
        return equal == (self.sign == _EQUAL)


def filter_of(text: str) -> Filter | Answer:
    """The filter that a value of ``property`` says; 400 where it says none."""
    match = _FILTER.fullmatch(text)
    if match is None or not match[1].strip() or not match[3].strip():
        return failed(400, "1453-400", f"Invalid query value {_shown(text)} provided in query param.")
    field, sign, value = match[1].strip(), match[2], match[3].strip()
    if sign == "~":
        return failed(400, "1440-400", f"Operator '{sign}' not implemented.")
    sign = _EQUAL if sign == "=" else sign
    if sign not in (_EQUAL, _UNEQUAL, *_COMPARISONS):
        return failed(400, "1450-400", f"Invalid operator {_shown(sign)} in filter params.")
    path = path_of(field)
    if path is None:
        return failed(400, "1449-400", f"Invalid field {_shown(field)} in filter params.")
    parts = [part.strip() for part in value.split(",")]
    if sign in _COMPARISONS:
        if len(parts) > 1:
            return failed(400, "1443-400", f"Operator '{sign}' is not allowed for multiple values.")
        return Filter(path, sign, (_unquoted(value),))
    # A value may hold a comma, and an etag has quotes of its own.
    written = [value, *parts]
    return Filter(path, sign, tuple(dict.fromkeys([*written, *(_unquoted(each) for each in written)])))


def path_of(field: str) -> tuple[Step, ...] | None:
    """The steps of ``transformations[].params.mappingId``; None where the text is no path."""
    steps: list[Step] = []
    for each in field.split("."):
        match = _STEP.fullmatch(each)
        if match is None:
            return None
        places = match[2][1:-1].split("][") if match[2] else []
        steps += [match[1], *(int(place) if place else None for place in places)]
    return tuple(steps)


def values_at(document: Any, path: tuple[Step, ...]) -> Iterator[Any]:
    """The values to which a path leads: several where arrays stand on its way or at its end, or none."""
    found = [document]
    for step in path:
        if isinstance(step, str):
            # An array that the path has no brackets for is gone through all the same.
            spread = [inner for each in found for inner in (each if isinstance(each, list) else (each,))]
            found = [each[step] for each in spread if isinstance(each, dict) and step in each]
        elif step is None:
            found = [inner for each in found if isinstance(each, list) for inner in each]
        else:
            found = [each[step] for each in found if isinstance(each, list) and step < len(each)]
    for each in found:
        yield from each if isinstance(each, list) else (each,)


def _equal(found: Any, value: str, any_case: bool) -> bool:
    if isinstance(found, str):
        return found == value or (any_case and found.lower() == value.lower())
    if isinstance(found, bool):
        return value.lower() == str(found).lower()
    if isinstance(found, int | float):
        return bool(found == _number(value))
    return found is None and value == "null"


def _compared(sign: str, found: Any, value: str) -> bool:
    if isinstance(found, str):
        return _COMPARISONS[sign](found, value)
    number = _number(value)
    if isinstance(found, bool) or not isinstance(found, int | float) or number is None:
        return False
    return _COMPARISONS[sign](found, number)


def _number(text: str) -> int | float | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return float(text) if match[1] else int(text)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _shown(text: str) -> str:
    """As much of what a client wrote as an answer repeats."""
    return text if len(text) <= 64 else text[:64] + "…"
