"""Values of JSON: read from the scalars of a YAML file and from the bytes of a body, compared, and written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from exporter.settings.loading.plain_values import Plain

#: RFC 8259's grammar: ``0123`` and ``1_000`` are text, as are dates and times.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SWITCHES = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Number(str):
    """A number with its digits as they were written."""

    __slots__ = ()


#: None, a bool, a ``Number``, a str, or a list or dict of such.
Json: TypeAlias = Any


class Nothing(Enum):
    """The value of what is not there."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING


def typed(value: Json) -> Json:
    """The value that scalars of a YAML file stand for: unquoted ones may be numbers and switches."""
    match value:
        case dict():
            return {key: typed(part) for key, part in value.items()}
        case list():
            return [typed(part) for part in value]
        case Plain():
            if value in _SWITCHES:
                return _SWITCHES[value]
            return Number(value) if _NUMBER.fullmatch(value) else str(value)
        case _:
            return value


def parsed(body: bytes) -> Json:
    """The value of a JSON text."""
    return json.loads(body, parse_int=Number, parse_float=Number)


def written(value: Json) -> str:
    """The JSON text of a value, on a single line."""
    match value:
        case Number():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{written(key)}: {written(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """A place, as steps from the value as a whole, where two values differ."""

    at: tuple[str | int, ...]
    expected: Json | Nothing
    actual: Json | Nothing


def differences(expected: Json, actual: Json, at: tuple[str | int, ...] = ()) -> Iterator[Difference]:
    """Every place where the values differ, as deep as can be. The order of an object's keys does not count."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in dict.fromkeys([*expected, *actual]):
            yield from differences(expected.get(key, NOTHING), actual.get(key, NOTHING), (*at, key))
    elif isinstance(expected, list) and isinstance(actual, list):
        for index in range(max(len(expected), len(actual))):
            pair = [one[index] if index < len(one) else NOTHING for one in (expected, actual)]
            yield from differences(pair[0], pair[1], (*at, index))
    elif not _same_scalar(expected, actual):
        yield Difference(at, expected, actual)


def same(one: Json, other: Json) -> bool:
    """Whether two values are equal; ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    return next(differences(one, other), None) is None


def _same_scalar(one: Json, other: Json) -> bool:
    if isinstance(one, Number) and isinstance(other, Number):
        return one[:] == other[:] or Decimal(one) == Decimal(other)
    return type(one) is type(other) and bool(one == other)
