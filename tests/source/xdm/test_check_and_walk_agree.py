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
    """Schemas of one to four keywords, those that hold schemas made of ``schemas``; any may stand beside any other."""
    each = {
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
        "properties": st.dictionaries(KEYS, schemas, min_size=1, max_size=3),
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
    }
    chosen = st.lists(st.sampled_from(sorted(each)), min_size=1, max_size=4, unique=True)
    demands = chosen.flatmap(lambda names: st.fixed_dictionaries({name: each[name] for name in names})).map(possible)
    return demands | st.builds(lambda document, name: {**document, "type": name}, demands, TYPES)


def possible(document: dict[str, Any]) -> dict[str, Any]:
    """Without what is refused: a key that must be, and may not."""
    if document.get("additionalProperties") is False and "required" in document:
        document = {
            **document,
            "required": [key for key in document["required"] if key in document.get("properties", {})],
        }
    return document


REFERENCES = st.sampled_from(["#", "#/definitions/x", "#/definitions/y"]).map(lambda to: {"$ref": to})
LEAVES: st.SearchStrategy[Any] = (
    st.just({}) | keywords(st.just({})) | keywords(REFERENCES) | TYPES.map(lambda name: {"type": name})
)
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(LEAVES, keywords, max_leaves=6)


@st.composite
def values_near(draw: st.DrawFn, document: Any, root: Any, levels: int = 6) -> Any:
    """A value that a schema comes close to, so that most of its keywords have something to say."""
    if levels == 0 or draw(st.integers(0, 7)) == 0:
        return draw(VALUES)
    if to := document.get("$ref"):
        return draw(values_near(root if to == "#" else root["definitions"][to.split("/")[2]], root, levels - 1))
    near: list[st.SearchStrategy[Any]] = []
    near += [st.sampled_from(document["enum"])] if "enum" in document else []
    near += [st.just(document["const"])] if "const" in document else []
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        if name in document:
            bound = document[name]
            near.append(st.sampled_from([bound, float(bound), bound + 1, bound - 1, bound * 3, bound + 0.5]))
    for how in ("allOf", "anyOf", "oneOf"):
        near += [values_near(inner, root, levels - 1) for inner in document.get(how, ())]
    near += [values_near(document["not"], root, levels - 1)] if "not" in document else []
    types = document.get("type", [])
    for name in [types] if isinstance(types, str) else types:
        near.append({"string": TEXTS, "boolean": st.booleans(), "null": st.none()}.get(name, NUMBERS))
    if {"minLength", "maxLength", "pattern", "format"} & document.keys():
        near.append(TEXTS)
    if "object" in types or {"properties", "required", "additionalProperties", "minProperties"} & document.keys():
        near.append(objects_near(document, root, levels))
    if "array" in types or {"items", "minItems", "maxItems", "uniqueItems"} & document.keys():
        items = values_near(document.get("items", {}), root, levels - 1)
        near.append(st.lists(items, max_size=3) | items.map(lambda item: [item, item]))
    return draw(st.one_of(near) if near else SMALL_VALUES)


@st.composite
def objects_near(draw: st.DrawFn, document: Any, root: Any, levels: int) -> Any:
    """An object with most of the keys that a schema names, and now and then another one."""
    value: dict[str, Any] = {}
    for key, inner in document.get("properties", {}).items():
        if draw(st.integers(0, 4)):
            value[key] = draw(values_near(inner, root, levels - 1))
    for key in document.get("required", ()):
        if key not in value and draw(st.integers(0, 4)):
            value[key] = draw(SMALL_VALUES)
    if draw(st.integers(0, 2)) == 0:
        additional = document.get("additionalProperties")
        other = values_near(additional, root, levels - 1) if isinstance(additional, dict) else SMALL_VALUES
        value[draw(KEYS)] = draw(other)
    return value


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


@settings(max_examples=400, suppress_health_check=[HealthCheck.data_too_large])
@given(DOCUMENTS, LEAVES, LEAVES, st.data())
def test_any_schema_and_any_value(document: Any, x: Any, y: Any, data: st.DataObject) -> None:
    if "$ref" in document:
        document = {"items": document}
    document = {**document, "definitions": {"x": x, "y": y}}
    agree(document, data.draw(values_near(document, document)))


SINGLE: list[dict[str, Any]] = [
    *({"type": name} for name in ["string", "integer", "number", "boolean", "null", "object", "array"]),
    *({"type": ["null", name]} for name in ["string", "integer", "number", "boolean", "object", "array"]),
    *(
        {end: bound}
        for end in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
        for bound in [1, 1.0, 1.5]
    ),
    *(
        {"minimum": low, "exclusiveMinimum": 1, "maximum": high, "exclusiveMaximum": 3}
        for low in [0, 1, 2]
        for high in [2, 3, 4]
    ),
    *({"multipleOf": divisor} for divisor in [1, 2, 0.5, 0.1]),
    *({"enum": [value]} for value in [None, True, False, 0, 1, 1.0, "1", [1], [True], {"a": 1}, {"a": True}, [], {}]),
    *({"const": value} for value in [None, True, 1, [1.0], {"a": [1]}]),
    *({"uniqueItems": True, "items": items} for items in [{}, {"type": "array"}]),
    *({count: 1} for count in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]),
    *({"format": name} for name in ["date-time", "email", "uri", "date"]),
    *({"required": ["a"], "additionalProperties": additional} for additional in [{}, True, {"type": "integer"}]),
    {"pattern": "^1"},
]
PLAIN: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 4, -1, 0.0, 1.0, 1.5, 2.0, 0.3, 3.0, 1e20, 10**20, "", "1", "a", "ab", "a@b.de"),
    *([], [1], [1, 1], [1, 1.0], [1, True], [0, False], [[1], [1.0]], [[1], [True]], ["1", 1], [{"a": 1}, {"a": 1.0}]),
    *({}, {"a": 1}, {"a": 1.0}, {"a": True}, {"a": [1]}, {"b": 1}, {"a": 1, "b": "x"}, "2019-10-23T12:00:00Z"),
]


@pytest.mark.parametrize("document", SINGLE, ids=str)
def test_single_keywords(document: Any) -> None:
    for value in PLAIN:
        agree(document, value)


WAYS = ["properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf", "not"]


def around(ways: list[str]) -> Any:
    """The schema of a string, within others: the last of ``ways`` is the outermost."""
    document: Any = {"type": "string"}
    for way in ways:
        match way:
            case "properties":
                document = {"type": "object", "properties": {"a": document, "b": {"type": "string"}}}
            case "anyOf" | "oneOf" | "allOf":
                document = {way: [document, {"type": "null"}]}
            case _:
                document = {way: document}
    return document


def inside(ways: list[str], value: Any) -> Any:
    """A value of which ``value`` is what ``around(ways)`` comes to at last."""
    for way in ways:
        value = {"properties": {"a": value}, "items": [value], "additionalProperties": {"b": value}}.get(way, value)
    return value


@pytest.mark.parametrize("value", ["a", 1, None])
@pytest.mark.parametrize("ways", [*([way] * 60 for way in WAYS), WAYS * 8, ["oneOf", "items"] * 20])
def test_schemas_deep_in_each_other(ways: list[str], value: Any) -> None:
    document = around(ways)
    assert isinstance(compile_schema(document), Schema)
    agree(document, inside(ways, value))


@pytest.mark.parametrize("way", ["properties", "items", "additionalProperties"])
def test_a_value_as_deep_as_records_may_be(way: str) -> None:
    document: Any = {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}
    if way == "items":
        document = {"type": "array", "items": {"$ref": "#"}}
    value: Any = 1
    for _ in range(64):
        value = [value] if way == "items" else {"a" if way == "properties" else "b": value}
    agree(document, value)
