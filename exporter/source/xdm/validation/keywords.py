"""The keywords of schemas: which are known, for which types, and what each may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exporter.source.xdm.validation.json_values import is_number

TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
#: The keywords of a part, which stands also without ``type``, and then lets other types pass.
OF_STRINGS = ("minLength", "maxLength", "pattern", "format")
OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
OF_OBJECTS = ("properties", "required", "additionalProperties", "minProperties", "maxProperties")
OF_ARRAYS = ("items", "minItems", "maxItems", "uniqueItems")
COMBINATIONS = ("allOf", "anyOf", "oneOf")
#: Where schemas for references stand.
STORES = ("definitions", "$defs")
#: What is said to people and tools, and demands nothing.
_ANNOTATIONS = frozenset(
    ("$schema", "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly", "deprecated")
)
_ANNOTATION_PREFIXES = ("meta:", "xdm:")
_LARGEST = 1e300
#: Values to compare with become one expression each.
_DEEPEST_VALUE = 8


def is_annotation(keyword: str) -> bool:
    """Whether a keyword demands nothing."""
    return keyword in _ANNOTATIONS or keyword.startswith(_ANNOTATION_PREFIXES)


def _count(value: Any) -> str | None:
    right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if right else "must be a whole number, at least 0"


def _number(value: Any) -> str | None:
    # Also beyond 1e300 a number would overflow where it meets a fraction. NaN is not within.
    return None if is_number(value) and -_LARGEST < value < _LARGEST else "must be a number, and below 1e300"


def _divisor(value: Any) -> str | None:
    return _number(value) or (None if value > 0 else "must be more than 0")


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _schema(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be one schema, an object"


def _schema_or_flag(value: Any) -> str | None:
    return None if isinstance(value, dict | bool) else "must be true, false or a schema"


def _schemas_by_name(value: Any) -> str | None:
    right = isinstance(value, dict) and all(isinstance(name, str) for name in value)
    return None if right else "must be an object of schemas"


def _keys(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        return "must be a list of strings"
    return None if len(set(value)) == len(value) else "names a key twice"


def _schemas(value: Any) -> str | None:
    return None if isinstance(value, list) and value else "must be a list of schemas, at least one"


def _values(value: Any) -> str | None:
    return _value(value) if isinstance(value, list) and value else "must be a list of values, at least one"


def _value(value: Any, levels: int = _DEEPEST_VALUE) -> str | None:
    if levels == 0:
        return f"is deeper than {_DEEPEST_VALUE} levels"
    match value:
        case str() | bool() | None:
            return None
        case int() | float():
            return _number(value)
        case list():
            inner = value
        case dict() if all(isinstance(key, str) for key in value):
            inner = list(value.values())
        case _:
            return "holds what JSON does not have"
    return next((refusal for each in inner if (refusal := _value(each, levels - 1))), None)


def _types(value: Any) -> str | None:
    named = value if isinstance(value, list) else [value]
    if not named or not all(isinstance(name, str) and name in TYPES for name in named):
        return f"must be one of {', '.join(TYPES)}, or a list of them"
    return None if len(set(named)) == len(named) else "names a type twice"


#: Why the value of a keyword that demands something, or holds schemas, is refused; None where it is not.
REFUSALS: Mapping[str, Callable[[Any], str | None]] = {
    "type": _types,
    "enum": _values,
    "const": _value,
    "not": _schema,
    "items": _schema,
    "additionalProperties": _schema_or_flag,
    **dict.fromkeys(STORES, _schemas_by_name),
    "$ref": _text,
    **dict.fromkeys(COMBINATIONS, _schemas),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _count),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    "multipleOf": _divisor,
    "pattern": _text,
    "format": _text,
    "properties": _schemas_by_name,
    "required": _keys,
    "uniqueItems": _flag,
}
#: A ``$ref`` silences what stands beside it, but for these.
BESIDE_REFERENCES = ("$ref", *STORES)
