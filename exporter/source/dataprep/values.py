"""What values mean as text, numbers and booleans, as lenient JEXL has it; and arrays that say how they are merged."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from exporter.source.dataprep.dates.forms import moment_text
from exporter.source.dataprep.run import Failed

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
#: An integer of more bits is no number that anybody counts with, and floating point ends there.
MOST_BITS = 1000
#: A number of more characters is none that anybody counts with.
_MOST_CHARACTERS = 1000


class Appended(list[Any]):
    """An array that, where a record merges, is put behind what the profile has: ``upsert_array_append``."""

    __slots__ = ()


class Replaced(list[Any]):
    """An array that, where a record merges, takes the place of what the profile has: ``upsert_array_replace``."""

    __slots__ = ()


def kind_name(value: Any) -> str:
    """What an error calls ``value``; never the value itself, which is somebody's."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "an array"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", dict: "an object", datetime: "a date"}
    return names.get(type(value), "a function")


def to_text(value: Any) -> str:
    """``value`` as text; raises ``Failed`` for arrays and objects. A number has its shortest form."""
    if type(value) is str:
        return value
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return repr(to_number(value))
    if kind is datetime:
        return moment_text(value)
    raise Failed(f"{kind_name(value)} is no text")


def parse_number(text: str) -> int | float | None:
    """The number that ``text`` writes in decimal, None if the text is none. Blanks around are no part of a number."""
    if len(text) > _MOST_CHARACTERS:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    return None


def to_number(value: Any) -> int | float:
    """``value`` as a number: null and empty text are 0, true is 1; raises ``Failed`` where there is none."""
    kind = type(value)
    if kind is int or kind is float:
        number: int | float = value
        if kind is float:
            if not math.isfinite(number):
                raise Failed("the number is infinite or none")
        elif int(number).bit_length() > MOST_BITS:
            raise Failed("the number is too large")
        return number
    if value is None or value == "":
        return 0
    if kind is bool:
        return int(value)
    found = parse_number(value) if kind is str else None
    if found is None:
        raise Failed(f"{kind_name(value)} is no number")
    return found


def to_integer(value: Any) -> int:
    """``value`` as a whole number; raises ``Failed`` where it has a fraction or is none."""
    number = to_number(value)
    if isinstance(number, float):
        if not number.is_integer():
            raise Failed("the number is not whole")
        return int(number)
    return number


def truth(value: Any) -> bool:
    """Whether ``value`` counts as true: null, 0, empty text and ``false`` do not."""
    kind = type(value)
    if kind is bool:
        return bool(value)
    if kind is str:
        return value not in ("", "false")
    if kind is int or kind is float:
        return bool(value != 0 and not (kind is float and math.isnan(value)))
    return value is not None


def size_of(value: Any) -> int:
    """Characters of text, elements of an array, keys of an object; 0 for anything else."""
    return len(value) if isinstance(value, str | list | dict) else 0


def is_empty(value: Any) -> bool:
    """Whether ``value`` is null, 0, or has nothing in it."""
    if isinstance(value, str | list | dict):
        return not value
    return value is None or (type(value) in (int, float) and not truth(value))
