"""JSON values as Python has them: names of their types, their text in messages, and when two are equal.

Whoever parses the JSON hands over ``int`` for a number without fraction and exponent and ``float`` for any other, so
``1.0`` is no integer. An ``int`` is an Integer within 32 bits, a Long within 64, else a BigInteger; a ``float`` is a
BigDecimal. A float's text is Python's shortest (``1e3`` reads 1000.0).
"""

from __future__ import annotations

import json
from typing import Any

#: A value in a message longer than this is cut: five messages must not be five times the record.
_LONGEST_TEXT = 1024


def type_name(value: Any) -> str:
    """The name that messages have for the type of a JSON value."""
    match value:
        case bool():
            return "Boolean"
        case str():
            return "String"
        case int():
            if -(1 << 31) <= value < 1 << 31:
                return "Integer"
            return "Long" if -(1 << 63) <= value < 1 << 63 else "BigInteger"
        case float():
            return "BigDecimal"
        case None:
            return "Null"
        case dict():
            return "JSONObject"
        case list():
            return "JSONArray"
        case _:
            raise TypeError(f"no JSON value: {type(value).__name__}")


def text_of(value: Any) -> str:
    """A JSON value as it stands in a message: a string without quotes, all else as JSON; cut where it is long."""
    return cut(value if isinstance(value, str) else json_text(value))


def json_text(value: Any) -> str:
    """Compact JSON; what JSON does not have (a date of YAML) as its text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def cut(text: str) -> str:
    """``text``, but no more than 1,024 characters and an ellipsis."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number (in Python, true and false are, too)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def comparable(value: Any) -> Any:
    """A hashable stand-in that is equal for equal JSON values only: ``1`` is ``1.0``, and neither is true."""
    match value:
        case bool():
            return bool, value
        case dict():
            return frozenset((key, comparable(item)) for key, item in value.items())
        case list():
            return tuple(map(comparable, value))
        case _:
            return value
