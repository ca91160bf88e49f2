"""The compiled check passes where the walk finds nothing, and only there, whatever schema and value."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.source.xdm.schema import Schema, compile_schema
from exporter.source.xdm.validation.walker import violation_of

#: Few, so that schemas and values meet, and among them what code that is generated could stumble over.
KEYS = st.sampled_from(
    [
        *("a", "b", "ab", "a b", "a_b", "é", "", '"', "'", "\\", "\n", "{a}", "{", "%s", "$ref", "id", "len", "keys"),
        *("data", "items", "properties", "__class__", "x\r\ny", '\\"', "\x00", "\u2028", "a.b", "a/b", "\ud800"),
    ]
)
TEXTS = st.sampled_from(
    [
        *(
            "",
            "a",
            "ab",
            "abc",
            "é",
            "\ud800",
            "😀",
            "a\n",
            "1",
            "{}",
            '"',
            "\\",
            "http://x/",
            "1.2.3.4",
            "::1",
            "a@b.de",
        ),
        *("2019-10-23T12:00:00Z", "2019-10-23T12:00:00+0200"),
    ]
)
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 3, 5, 150, 1.0, 0.0, -0.0, 1.5, 2.5, 0.1, 0.3, 1e20, 1e300, 2**31, 2**63, 10**20, 10**400]
)
SMALL_NUMBERS = st.sampled_from([0, 1, 2, 3, 1.0, 1.5, -1, 150, 10**20, 1e20])
SCALARS = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)
SMALL_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), TEXTS, SMALL_NUMBERS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
COUNTS = st.integers(0, 3)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])


def keywords(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas made of ``schemas``; any keyword may stand beside any other."""
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(SMALL_VALUES, min_size=1, max_size=3),
            "const": SMALL_VALUES,
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "pattern": st.sampled_from(["^a", "b$", r"\p{L}", "é", r"^\d+$", '"', r"\{a\}", "\\u00e9"]),
            "format": st.sampled_from(["date-time", "email", "uri", "date", "ipv4", "ipv6", "hostname"]),
            "minimum": SMALL_NUMBERS,
            "maximum": SMALL_NUMBERS,
            "exclusiveMinimum": SMALL_NUMBERS,
            "exclusiveMaximum": SMALL_NUMBERS,
            "multipleOf": st.sampled_from([1, 2, 0.1, 0.01, 1.5, 1e-9]),
            "properties": st.dictionaries(KEYS, schemas, max_size=4),
            "required": st.lists(KEYS, max_size=2, unique=True),
            "additionalProperties": st.booleans() | schemas,
            "minProperties": COUNTS,
            "maxProperties": COUNTS,
            "items": schemas,
            "minItems": COUNTS,
            "maxItems": COUNTS,
            "uniqueItems": st.booleans(),
            "allOf": st.lists(schemas, min_size=1, max_size=2),
            "anyOf": st.lists(schemas, min_size=1, max_size=3),
            "oneOf": st.lists(schemas, min_size=1, max_size=3),
            "not": schemas,
            "definitions": st.dictionaries(KEYS, schemas, max_size=2),
        },
    ).map(possible)


def possible(document: dict[str, Any]) -> dict[str, Any]:
    """Without what is refused: a key that must be, and may not."""
    if document.get("additionalProperties") is False and "required" in document:
        document = {
            **document,
            "required": [key for key in document["required"] if key in document.get("properties", {})],
        }
    return document


REFERENCES = st.sampled_from(["#", "#/definitions/x", "#/definitions/y"]).map(lambda to: {"$ref": to})
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.just({}) | keywords(st.just({})) | keywords(REFERENCES), keywords, max_leaves=6
)


def agree(document: Any, value: Any) -> None:
    schema = compile_schema(document)
    if not isinstance(schema, Schema):
        return
    before = copy.deepcopy(value)
    found = violation_of(schema.nodes, value, most=1000)
    assert schema.passes(value) == (found is None), found
    assert value == before
    if found is not None:
        first = violation_of(schema.nodes, value, most=1)
        assert first is not None
        assert first.count == 1
        assert found.as_report()
        assert schema.violations(value) != ()


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(DOCUMENTS, st.dictionaries(st.sampled_from(["x", "y"]), keywords(REFERENCES | st.just({})), min_size=2), VALUES)
def test_any_schema_and_any_value(document: Any, definitions: Any, value: Any) -> None:
    agree({**document, "definitions": {**document.get("definitions", {}), **definitions}}, value)


def around(innermost: Any) -> st.SearchStrategy[Any]:
    wraps = st.sampled_from(["properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf", "not"])

    def wrapped(ways: list[str]) -> Any:
        document = innermost
        for way in ways:
            match way:
                case "properties":
                    document = {"type": "object", "properties": {"a": document, "b": {"type": "string"}}}
                case "anyOf" | "oneOf" | "allOf":
                    document = {way: [document, {"type": "null"}]}
                case _:
                    document = {way: document}
        return document

    return st.lists(wraps, max_size=60).map(wrapped)


NESTED = st.recursive(
    st.sampled_from([None, "a", 1]), lambda inner: st.lists(inner, max_size=1) | st.fixed_dictionaries({"a": inner})
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(around({"type": "string"}), NESTED)
def test_schemas_deep_in_each_other(document: Any, value: Any) -> None:
    agree(document, value)


@pytest.mark.parametrize("way", ["properties", "items", "additionalProperties"])
def test_a_value_as_deep_as_records_may_be(way: str) -> None:
    document: Any = {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}
    if way == "items":
        document = {"type": "array", "items": {"$ref": "#"}}
    value: Any = 1
    for _ in range(64):
        value = [value] if way == "items" else {"a" if way == "properties" else "b": value}
    agree(document, value)
