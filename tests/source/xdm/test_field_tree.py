"""The tree of types that a schema comes to."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.source.xdm.fields import Field, Kind
from exporter.source.xdm.schema import Schema, compile_schema

STRING = Field(Kind.STRING)
ANY = Field(Kind.ANY)


def root_of(document: Any) -> Field:
    schema = compile_schema(document)
    assert isinstance(schema, Schema), schema
    return schema.root


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"type": "string"}, STRING),
        ({"type": "string", "format": "email"}, STRING),
        ({"type": "string", "format": "date"}, Field(Kind.DATE)),
        ({"type": "string", "format": "date-time"}, Field(Kind.DATE_TIME)),
        ({"type": "integer", "minimum": 3}, Field(Kind.INTEGER)),
        ({"type": "number"}, Field(Kind.NUMBER)),
        ({"type": "boolean"}, Field(Kind.BOOLEAN)),
        ({"type": "null"}, ANY),
        ({}, ANY),
        ({"minLength": 3}, ANY),
        ({"type": ["string", "null"]}, STRING),
        ({"type": ["string", "integer"]}, ANY),
        ({"type": "string", "enum": ["a"]}, STRING),
        ({"enum": ["a", "b"]}, STRING),
        ({"enum": ["a", 1]}, ANY),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, STRING),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, ANY),
        ({"not": {"type": "string"}}, ANY),
        ({"type": "object"}, Field(Kind.MAP)),
        ({"type": "object", "additionalProperties": {"type": "string"}}, Field(Kind.MAP, element=STRING)),
        ({"type": "object", "additionalProperties": False}, Field(Kind.OBJECT)),
        ({"properties": {"a": {"type": "string"}}}, Field(Kind.OBJECT, {"a": STRING})),
        ({"type": "array"}, Field(Kind.ARRAY)),
        ({"type": "array", "items": {"type": "string"}}, Field(Kind.ARRAY, element=STRING)),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {}, "a": {"minLength": 1}}}]},
         Field(Kind.OBJECT, {"a": STRING, "b": ANY})),
        ({"type": "object", "allOf": [{"properties": {"a": {"type": "string"}}}]}, Field(Kind.OBJECT, {"a": STRING})),
        ({"allOf": [{"type": "string"}, {"format": "date"}]}, STRING),
        ({"allOf": [{"type": "string"}, {"type": "string", "format": "date"}]}, Field(Kind.DATE)),
        ({"definitions": {"x": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/x"}}},
         Field(Kind.OBJECT, {"a": STRING})),
    ],
)  # fmt: skip
def test_a_document_comes_to_a_tree(document: Any, field: Field) -> None:
    assert root_of(document) == field


def test_a_field_within_itself_is_of_any_type_at_the_second_time() -> None:
    root = root_of({"properties": {"name": {"type": "string"}, "parent": {"$ref": "#"}}})
    again = Field(Kind.OBJECT, {"name": STRING, "parent": ANY})
    assert root == Field(Kind.OBJECT, {"name": STRING, "parent": again})


def test_many_references_to_one_place_are_followed_once() -> None:
    levels: dict[str, Any] = {"x64": {"type": "string"}}
    for level in range(64):
        to = {"$ref": f"#/definitions/x{level + 1}"}
        levels[f"x{level}"] = {"properties": {"a": to, "b": to}}
    field = root_of({"definitions": levels, "$ref": "#/definitions/x0"})
    for _ in range(64):
        assert field.properties["a"] is field.properties["b"]
        field = field.properties["a"]
    assert field == STRING
