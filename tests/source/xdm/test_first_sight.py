"""What is right at first sight; that it is right by the whole check, too, is held by ``test_check_and_walk_agree``."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.source.xdm.schema import Schema, compile_schema
from exporter.source.xdm.validation.first_sight import is_right, sight_of

DOCUMENT = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "born": {"type": "string", "format": "date-time"},
        "code": {"type": "string", "pattern": "^[0-9]+$", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 200},
        "score": {"type": "number"},
        "active": {"type": "boolean"},
        "gone": {"type": "null"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "few": {"type": "array", "maxItems": 2},
        "any": {},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "closed": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        "either": {"type": ["string", "integer"]},
    },
}


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ({"name": "John"}, True),
        ({}, False),
        ({"name": "Johann"}, False),
        ({"name": 1}, False),
        ({"name": "a", "born": "1980-01-01T00:00:00Z", "code": "75001", "age": 40, "score": 1.5, "active": True}, True),
        ({"name": "a", "born": "1980-13-01T00:00:00Z"}, False),
        ({"name": "a", "code": "x"}, False),
        ({"name": "a", "age": -1}, False),
        ({"name": "a", "age": 200}, False),
        ({"name": "a", "age": True}, False),
        ({"name": "a", "age": 1.0}, False),
        ({"name": "a", "score": 2}, True),
        ({"name": "a", "gone": None, "any": [None, {"b": 1}], "unknown": 1}, True),
        ({"name": "a", "tags": ["x", "y"], "counts": {"p": 1}, "closed": {"a": "x"}}, True),
        ({"name": "a", "tags": ["x", 1]}, False),
        ({"name": "a", "counts": {"p": "1"}}, False),
        ({"name": "a", "closed": {"b": "x"}}, False),
        # Right, and only the whole check knows.
        ({"name": "a", "few": [1]}, False),
        ({"name": "a", "either": "x"}, False),
        ([], False),
    ],
)
def test_first_sight(value: Any, right: bool) -> None:
    schema = compile_schema(DOCUMENT)
    assert isinstance(schema, Schema)
    sight = sight_of(schema.nodes.root)
    assert sight is not None
    assert is_right(value, sight) == right
    assert schema.passes(value) or not right
