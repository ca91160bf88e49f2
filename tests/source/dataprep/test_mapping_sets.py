"""Mapping sets as they come: both dialects, the short form, and every mistake at once."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.sections.mistakes import Mistake
from exporter.source.dataprep.mapping_sets import Mapping, MappingSet, SourceType, read_mapping_set
from exporter.source.dataprep.paths import EVERY, parse_path

ATTRIBUTE, STATIC, EXPRESSION = SourceType

SCHEMA = "https://ns.example.com/acme/schemas/7f682c29"
LEGACY = {
    "version": 0,
    "xdmSchema": SCHEMA,
    "xdmVersion": "1.0",
    "mappings": [
        {
            "destinationXdmPath": "person.name.firstName",
            "sourceAttribute": "firstName",
            "identity": False,
            "version": 0,
        },
        {"destinationXdmPath": "person.name.lastName", "sourceAttribute": "lastName", "primaryIdentity": False},
    ],
}
CURRENT = {
    "id": "cbb0da769faa48fcb29e026a924ba29d",
    "version": 3,
    "name": "Demo",
    "outputSchema": {"schemaRef": {"id": SCHEMA, "contentType": "application/vnd.adobe.xed-full+json;version=1"}},
    "allowNullValues": True,
    "mappings": [
        {"sourceType": "ATTRIBUTE", "source": "Id", "destination": "_id", "name": "Id", "description": "an id"},
        {"sourceType": "text/x.schema-path", "source": "LastName", "destination": "person.name.lastName"},
        {"sourceType": "STATIC", "source": "CUSTOMER", "destination": "userType"},
        {"sourceType": "EXPRESSION", "source": "upper(FirstName)", "destination": "person.name.firstName"},
        {"source": "a", "sourceAttribute": "a", "destination": "b", "destinationXdmPath": "b"},
    ],
}


def test_the_legacy_dialect() -> None:
    assert read_mapping_set(LEGACY) == MappingSet(
        None,
        0,
        SCHEMA,
        False,
        (
            Mapping(ATTRIBUTE, "firstName", "person.name.firstName"),
            Mapping(ATTRIBUTE, "lastName", "person.name.lastName"),
        ),
    )


def test_the_current_dialect() -> None:
    assert read_mapping_set(CURRENT) == MappingSet(
        "cbb0da769faa48fcb29e026a924ba29d",
        3,
        SCHEMA,
        True,
        (
            Mapping(ATTRIBUTE, "Id", "_id"),
            Mapping(ATTRIBUTE, "LastName", "person.name.lastName"),
            Mapping(STATIC, "CUSTOMER", "userType"),
            Mapping(EXPRESSION, "upper(FirstName)", "person.name.firstName"),
            Mapping(ATTRIBUTE, "a", "b"),
        ),
    )


@pytest.mark.parametrize(
    ("source", "mapping"),
    [
        ("firstName", Mapping(ATTRIBUTE, "firstName", "a.b")),
        ("emails[*].address", Mapping(ATTRIBUTE, "emails[*].address", "a.b")),
        ("${First Name}.x", Mapping(ATTRIBUTE, "${First Name}.x", "a.b")),
        (r"a\.b", Mapping(EXPRESSION, r"a\.b", "a.b")),
        ("upper(a)", Mapping(EXPRESSION, "upper(a)", "a.b")),
        ("a.b-c", Mapping(EXPRESSION, "a.b-c", "a.b")),
        ("'x'", Mapping(EXPRESSION, "'x'", "a.b")),
        ("true", Mapping(EXPRESSION, "true", "a.b")),
        (12, Mapping(STATIC, 12, "a.b")),
        (False, Mapping(STATIC, False, "a.b")),
    ],
)
def test_the_short_form(source: Any, mapping: Mapping) -> None:
    read = read_mapping_set({"schema": "s", "allow_nulls": False, "mappings": {"a.b": source}})
    assert read == MappingSet(None, 0, "s", False, (mapping,))


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (None, [Mistake((), "a mapping set is an object")]),
        ({"version": -1}, [Mistake(("version",), "a version is a whole number from 0")]),
        ({"id": 3}, [Mistake(("id",), "an id is text")]),
        ({"allowNullValues": "yes"}, [Mistake(("allowNullValues",), "is true or false")]),
        ({"xdmSchema": 3}, [Mistake(("outputSchema", "schemaRef", "id"), "a schema's id is text")]),
        ({"mappings": "a"}, [Mistake(("mappings",), "is a list of mappings, or an object {destination path: source}")]),
        ({"mappings": ["a"]}, [Mistake(("mappings", 0), "a mapping is an object")]),
        (
            {"mappings": [{}, {"source": "a", "destination": "a..b", "sourceType": "WISH"}]},
            [
                Mistake(("mappings", 0, "source"), "is missing"),
                Mistake(("mappings", 0, "destination"), "is missing"),
                Mistake(("mappings", 1, "sourceType"), "is ATTRIBUTE, STATIC or EXPRESSION"),
                Mistake(("mappings", 1, "destination"), "the destination has an empty step"),
            ],
        ),
        ({"mappings": [{"source": 3, "destination": "a"}]}, [Mistake(("mappings", 0, "source"), "is text")]),
        ({"mappings": {"": "a"}}, [Mistake(("mappings", ""), "the destination is empty")]),
        ({"mappings": {"a": None}}, [Mistake(("mappings", "a"), "a source is a path or an expression")]),
    ],
)
def test_every_mistake_is_told(document: Any, found: list[Mistake]) -> None:
    assert read_mapping_set(document) == tuple(found)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        (r"a\.b.c", ("a.b", "c")),
        (r"a\\.c", ("a\\", "c")),
        ("First Name.x", ("First Name", "x")),
        ("${First Name}.x", ("First Name", "x")),
        (r"x.${a.b\.c}", ("x", "a", "b.c")),
        ("a[0][12].b", ("a", 0, 12, "b")),
        ("a[*].b[*]", ("a", EVERY, "b", EVERY)),
        (r"a\[0\]", ("a[0]",)),
        ("", "is empty"),
        ("a.", "has an empty step"),
        (".a", "has an empty step"),
        ("${a.}", "has an empty step"),
        ("a[b]", "has no dot, [index] or [*] at character 2"),
        ("a]", "has no dot, [index] or [*] at character 2"),
        ("a." * 300 + "a", "has more than 200 steps"),
    ],
)
def test_paths(text: str, path: object) -> None:
    assert parse_path(text) == path
