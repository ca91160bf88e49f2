"""Which JSON Schema documents are refused, and where; all mistakes at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.sections.mistakes import Mistake
from exporter.source.xdm.identity_paths import IdentityDescriptor
from exporter.source.xdm.schema import Behaviour, Schema, SchemaRefused, compile_schema


def mistakes(document: Any, *identities: IdentityDescriptor) -> list[tuple[Any, ...]]:
    refused = compile_schema(document, identities=identities)
    assert isinstance(refused, SchemaRefused)
    return [mistake.at for mistake in refused.mistakes]


DEEP: Any = {}
for _ in range(70):
    DEEP = {"properties": {"a": DEEP}}
IN_ITEMS: Any = {}
for _ in range(900):
    IN_ITEMS = {"items": IN_ITEMS}


@pytest.mark.parametrize(
    ("document", "at"),
    [
        ([], [()]),
        (None, [()]),
        (True, [()]),
        ({"type": "strnig"}, [("type",)]),
        ({"type": []}, [("type",)]),
        ({"type": ["string", "string"]}, [("type",)]),
        ({"contains": {}}, [("contains",)]),
        ({"patternProperties": {}}, [("patternProperties",)]),
        ({"maxLenght": 3}, [("maxLenght",)]),
        ({1: 2}, [("1",)]),
        ({"properties": {1: {}}}, [("properties",)]),
        ({"properties": {"a": {"nope": 1, "type": "x"}, "b": {"items": [{}]}}},
         [("properties", "a", "nope"), ("properties", "a", "type"), ("properties", "b", "items")]),
        ({"properties": {"a": False}}, [("properties", "a")]),
        ({"items": None}, [("items",)]),
        ({"additionalProperties": None}, [("additionalProperties",)]),
        ({"minLength": -1, "maxLength": 1.0, "minItems": True}, [("minLength",), ("maxLength",), ("minItems",)]),
        ({"minimum": "1", "maximum": float("inf"), "multipleOf": 0}, [("minimum",), ("maximum",), ("multipleOf",)]),
        ({"minimum": float("nan")}, [("minimum",)]),
        ({"maximum": 10**400}, [("maximum",)]),
        ({"required": ["a", "a"]}, [("required",)]),
        ({"required": True}, [("required",)]),
        ({"additionalProperties": False, "required": ["a"]}, [("required",)]),
        ({"enum": []}, [("enum",)]),
        ({"enum": [dt.date(2020, 1, 1)]}, [("enum",)]),
        ({"const": float("nan")}, [("const",)]),
        ({"const": [[[[[[[[[1]]]]]]]]]}, [("const",)]),
        ({"allOf": [], "anyOf": {}, "not": []}, [("allOf",), ("anyOf",), ("not",)]),
        ({"format": "datetime", "uniqueItems": "yes"}, [("uniqueItems",), ("format",)]),
        ({"pattern": "(?=a)"}, [("pattern",)]),
        ({"pattern": r"(a)\1"}, [("pattern",)]),
        ({"pattern": "("}, [("pattern",)]),
        ({"pattern": "a" * 10_001}, [("pattern",)]),
        ({"$ref": "http://127.0.0.1/x"}, [("$ref",)]),
        ({"$ref": "file:///etc/passwd"}, [("$ref",)]),
        ({"$ref": "other#/a"}, [("$ref",)]),
        ({"$ref": "#name"}, [("$ref",)]),
        ({"$ref": "#/definitions/x"}, [("$ref",)]),
        ({"properties": {"a": {"$ref": "#/properties/a/enum/x"}}}, [("properties", "a", "$ref")]),
        ({"properties": {"a": {"$ref": "#/definitions/x", "type": "string"}}, "definitions": {"x": {}}},
         [("properties", "a", "$ref")]),
        ({"$ref": "#"}, [()]),
        ({"definitions": {"x": {"$ref": "#/definitions/y"}, "y": {"anyOf": [{"$ref": "#/definitions/x"}]}},
          "properties": {"a": {"$ref": "#/definitions/x"}}}, [("definitions", "x")]),
        ({"definitions": {"x": {"type": "y"}}}, [("definitions", "x", "type")]),
        ({"definitions": []}, [("definitions",)]),
        ({"properties": {"a": {"$id": "http://example.com/"}}}, [("properties", "a", "$id")]),
        (DEEP, [("properties", "a", "properties", "a")]),
        (IN_ITEMS, [("items", "items", "items", "items")]),
        ({"not": IN_ITEMS}, [("not", "items", "items", "items")]),
    ],
)  # fmt: skip
def test_refused(document: Any, at: list[tuple[Any, ...]]) -> None:
    assert sorted(mistakes(document), key=str) == sorted(at, key=str)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {
            "$schema": "http://json-schema.org/draft-06/schema#",
            "$id": "https://ns.adobe.com/acme/schemas/1",
            "title": "x",
        },
        {"description": "x", "default": dt.date(2020, 1, 1), "examples": [1], "meta:xdmType": "x", "xdm:a": {}},
        {"definitions": {"a/b~c %": {"type": "string"}}, "items": {"$ref": "#/definitions/a~1b~0c%20%25"}},
        {"properties": {"a": {"$ref": "#"}}, "additionalProperties": False},
        {"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}},
        {"properties": {"definitions": {}, "$ref": {"type": "string"}, "enum": {}, "$id": {}}},
        {"pattern": r"^\p{Lu}\d{1,3}(?:a|b)$"},
        {"$defs": {"x": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/x", "title": "y"}}},
    ],
)
def test_kept(document: Any) -> None:
    assert isinstance(compile_schema(document), Schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("#"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "$ref", "enum", "allOf", "not", "definitions", "pattern", "a"]
            )
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(JSON)
def test_any_json_is_kept_or_refused(document: Any) -> None:
    compiled = compile_schema(document)
    assert isinstance(compiled, Schema) or all(isinstance(mistake, Mistake) for mistake in compiled.mistakes)


def test_a_reference_means_what_it_leads_to_wherever_that_stands() -> None:
    schema = compile_schema(
        {
            "definitions": {"a/b": {"type": "string"}},
            "properties": {"x": {"$ref": "#/definitions/a~1b"}, "y": {"$ref": "#/properties/x"}},
        }
    )
    assert isinstance(schema, Schema)
    (found,) = schema.violations({"y": 1})
    assert (found.at, found.pointer) == ("#/definitions/a~1b", "#/y")


def test_a_schema_knows_what_it_was_compiled_with() -> None:
    schema = compile_schema({"type": "object"}, id="x", title="X", behaviour=Behaviour.TIME_SERIES)
    assert isinstance(schema, Schema)
    assert (schema.id, schema.title, schema.behaviour) == ("x", "X", Behaviour.TIME_SERIES)


@pytest.mark.parametrize(
    ("path", "namespace", "part"),
    [
        ("", "email", "path"),
        ("/nope", "email", "path"),
        ("a.nope", "email", "path"),
        ("a.text.deeper", "email", "path"),
        ("a", "email", "path"),
        ("a.yes", "email", "path"),
        ("a.text", " ", "namespace"),
    ],
)
def test_descriptors_that_lead_to_no_id_are_refused(path: str, namespace: str, part: str) -> None:
    document = {"properties": {"a": {"properties": {"text": {"type": "string"}, "yes": {"type": "boolean"}},
                                     "additionalProperties": False}}, "additionalProperties": False}  # fmt: skip
    assert mistakes(document, IdentityDescriptor(path, namespace)) == [("identities", 0, part)]


def test_a_second_primary_identity_is_refused() -> None:
    document = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    two = (IdentityDescriptor("a", "x", primary=True), IdentityDescriptor("b", "y", primary=True))
    assert mistakes(document, *two) == [("identities", 1, "primary")]
