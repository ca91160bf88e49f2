"""Schemas as they are declared: JSON Schema, fields, field groups."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.xdm.declaring.closing import closed
from exporter.source.xdm.declaring.declaration import Declaration, declared_schema, document_of
from exporter.source.xdm.declaring.field_types import TYPES
from exporter.source.xdm.fields import Kind
from exporter.source.xdm.groups.catalogue import CLASSES, GROUPS
from exporter.source.xdm.identity_paths import IdentityDescriptor
from exporter.source.xdm.schema import Behaviour, Schema, SchemaRefused


def declared(**keys: Any) -> Schema:
    schema = declared_schema(Declaration("crm", **keys))
    assert isinstance(schema, Schema), schema
    return schema


def refused(**keys: Any) -> list[tuple[tuple[str | int, ...], str]]:
    schema = declared_schema(Declaration("crm", **keys))
    assert isinstance(schema, SchemaRefused)
    return [(mistake.at, mistake.reason) for mistake in schema.mistakes]


#: A person as the tutorials of the reference system have one.
TUTORIAL = {
    "_id": "sample-1",
    "person": {
        "name": {"firstName": "Jane", "middleName": "F", "lastName": "Doe", "fullName": "Jane F Doe"},
        "birthDate": "1969-03-14",
        "gender": "female",
    },
    "workEmail": {"primary": True, "address": "janedoe@example.com", "type": "work", "status": "active"},
    "homeAddress": {"city": "Rome", "country": "Italy", "street1": "Via 1"},
    "mobilePhone": {"number": "+39 1", "status": "active"},
    "identityMap": {"ECID": [{"id": "1", "authenticatedState": "ambiguous", "primary": True}]},
    "segmentMembership": {"ups": {"s": {"status": "realized", "lastQualificationTime": "2022-01-11T21:24:39Z"}}},
}


def test_groups_make_a_schema() -> None:
    groups = ("person", "work_contact", "personal_contact", "identity_map", "segmentation")
    schema = declared(groups=groups, title="People")
    assert schema.violations(TUTORIAL) == ()
    assert (schema.id, schema.title, schema.behaviour) == ("crm", "People", Behaviour.RECORD)
    assert schema.root.properties["person"].properties["birthDate"].kind is Kind.DATE
    assert schema.root.properties["identityMap"].kind is Kind.MAP


@pytest.mark.parametrize("missing", ["identity_map", "segmentation", "person"])
def test_what_no_group_has_is_a_violation(missing: str) -> None:
    groups = {"person", "work_contact", "personal_contact", "identity_map", "segmentation"} - {missing}
    (found,) = declared(groups=tuple(groups)).violations(TUTORIAL)
    assert found.message.startswith("extraneous key [")


@pytest.mark.parametrize("behaviour", Behaviour)
def test_all_groups_stand_together(behaviour: Behaviour) -> None:
    schema = declared(groups=tuple(GROUPS), behaviour=behaviour)
    for group in GROUPS.values():
        assert {
            path.split(".")[0].partition("{")[0].partition("[")[0] for path in group.fields
        } <= schema.root.properties.keys()


def test_groups_and_classes_have_names_of_their_own() -> None:
    all_there_are = [*GROUPS.values(), *CLASSES.values()]
    assert (
        len({group.uri for group in all_there_are})
        == len({group.title for group in all_there_are})
        == len(all_there_are)
    )
    assert all(name == group.name and group.description.endswith(".") for name, group in GROUPS.items())


def test_commerce_takes_an_order() -> None:
    schema = declared(groups=("commerce",), behaviour=Behaviour.TIME_SERIES)
    event = {
        "_id": "e-1",
        "timestamp": "2026-01-01T00:00:00Z",
        "eventType": "commerce.purchases",
        "commerce": {"purchases": {"value": 1}, "order": {"purchaseID": "o", "payments": [{"paymentAmount": 1.5}]}},
        "productListItems": [{"SKU": "s", "quantity": 2, "priceTotal": 3.0}],
    }
    assert schema.violations(event) == ()


@pytest.mark.parametrize(
    "keys",
    [
        {"groups": ("identity_map",)},
        {"fields": {"a": "string"}},
        {"schema": {"type": "object", "properties": {"_id": {}, "timestamp": {}}}},
        {"schema": {"type": "object", "properties": {"_id": {}, "timestamp": {}}, "required": ["_id"]}},
    ],
)
def test_a_time_series_has_an_id_and_a_time(keys: Any) -> None:
    (found,) = declared(behaviour=Behaviour.TIME_SERIES, **keys).violations({})
    assert [cause.message for cause in found.causes] == [
        "required key [_id] not found",
        "required key [timestamp] not found",
    ]
    assert (
        declared(**keys, behaviour=Behaviour.RECORD).violations({"_id": "x", "timestamp": "no"}) != ()
        or "schema" in keys
    )


RIGHT: dict[str, Any] = {
    "any": [1, "a", None, {"b": 1}],
    "string": ["", "a"],
    "boolean": [True],
    "integer": [1, 10**20],
    "byte": [-128, 127],
    "short": [-32768, 32767],
    "int": [2**31 - 1],
    "long": [2**63 - 1],
    "number": [1, 1.5],
    "double": [1, 1.5],
    "date": ["2019-1-1"],
    "date-time": ["2019-01-01T00:00:00Z"],
    "email": ["a@b.de"],
    "uri": ["http://x"],
    "uri-reference": ["/x"],
    "hostname": ["a.b"],
    "ipv4": ["1.2.3.4"],
    "ipv6": ["::1"],
    "object": [{}, {"any": 1}],
    "map": [{}, {"any": 1}],
}
WRONG: dict[str, Any] = {
    "any": [],
    "string": [1],
    "boolean": [1],
    "integer": [1.0, True],
    "byte": [128],
    "short": [32768],
    "int": [2**31],
    "long": [2**63],
    "number": ["1"],
    "double": [None],
    "date": [1],
    "date-time": ["2019-01-01"],
    "email": ["a"],
    "uri": ["x"],
    "uri-reference": ["x y"],
    "hostname": ["_"],
    "ipv4": ["1.2"],
    "ipv6": ["1.2.3.4"],
    "object": [1],
    "map": [[]],
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_fields(name: str) -> None:
    schema = declared(fields={"x.y": name, "list": f"{name}[]"})
    for value in RIGHT[name]:
        assert schema.passes({"x": {"y": value}, "list": [value, value]}), value
    for value in WRONG[name]:
        assert not schema.passes({"x": {"y": value}}), value
        assert not schema.passes({"list": [value]}), value


def test_paths_of_fields_lead_into_objects_arrays_and_maps() -> None:
    schema = declared(
        fields={
            "orders[].sku": "string",
            "orders[*].lines[]": "integer[]",
            r"a\.b.c": "string",
            "labels{}.text": "string",
            "counts{*}": "integer",
            "tags": "string[]",
        }
    )
    right = {
        "orders": [{"sku": "x", "lines": [[1], [2, 3]]}],
        "a.b": {"c": "x"},
        "labels": {"any key": {"text": "x"}},
        "counts": {"any": 1},
        "tags": ["x"],
        "_id": "x",
    }
    assert schema.violations(right) == ()
    for path, value in (
        ("orders", [{"sku": 1}]),
        ("labels", {"k": {"other": 1}}),
        ("counts", {"k": "1"}),
        ("tags", "x"),
    ):
        assert schema.violations({**right, path: value}) != (), path
    assert not schema.passes({"other": 1})


def test_fields_stand_beside_groups_and_their_class() -> None:
    schema = declared(
        groups=("person",), fields={"person.shoeSize": "integer", "loyalty.points": "integer", "_id": "string"}
    )
    assert schema.violations({"person": {"shoeSize": 44, "gender": "x"}, "loyalty": {"points": 1}, "_id": "1"}) == ()


def test_an_object_is_open_unless_fields_below_say_what_is_in_it() -> None:
    assert declared(fields={"a": "object"}).passes({"a": {"b": 1}})
    assert not declared(fields={"a": "object", "a.c": "string"}).passes({"a": {"b": 1}})


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        ({}, [()]),
        ({"schema": {}, "fields": {"a": "string"}}, [("schema",)]),
        ({"schema": {}, "groups": ("person",)}, [("schema",)]),
        ({"schema": {"properties": {"a": {"tpye": 1}}}}, [("schema", "properties", "a", "tpye")]),
        ({"schema": []}, [("schema",)]),
        ({"groups": ("persona", "person", "x")}, [("groups", 0), ("groups", 2)]),
        ({"fields": {"a": "text", "b": "strings[]", "c": ""}}, [("fields", "a"), ("fields", "b"), ("fields", "c")]),
        (
            {"fields": {"": "string", "a..b": "string", "[]": "string"}},
            [("fields", ""), ("fields", "a..b"), ("fields", "[]")],
        ),
        ({"fields": {"a": "string", "a.b": "string"}}, [("fields", "a.b")]),
        ({"fields": {"a.b": "string", "a": "string"}}, [("fields", "a")]),
        ({"fields": {"a[]": "string", "a": "integer[]"}}, [("fields", "a")]),
        ({"fields": {"a[]": "string", "a.b": "string"}}, [("fields", "a.b")]),
        ({"fields": {"a{}": "string", "a": "object"}}, [("fields", "a")]),
        ({"fields": {"a": "object", "a[]": "string"}}, [("fields", "a[]")]),
        ({"fields": {"a": "string", "a ": "integer"}}, None),
        ({"groups": ("person",), "fields": {"person.gender": "integer"}}, [("fields", "person.gender")]),
        ({"fields": {"_id": "integer"}}, [("fields", "_id")]),
        ({"groups": ("person",), "identities": (IdentityDescriptor("person.nope", "x"),)}, [("identities", 0, "path")]),
    ],
)
def test_declarations_that_are_refused(keys: Any, at: Any) -> None:
    if at is None:
        declared(**keys)
    else:
        assert [place for place, _ in refused(**keys)] == at


def test_a_refusal_says_what_there_is() -> None:
    ((_, reason),) = refused(groups=("persona",))
    assert reason == f"is no field group; there are {', '.join(GROUPS)}"
    ((_, reason),) = refused(fields={"a": "text"})
    assert reason.startswith("has no known type: 'text'; known are any, string,")


OPEN = {"properties": {"a": {"type": "string"}}}
CLOSED = {**OPEN, "additionalProperties": False}


@pytest.mark.parametrize(
    ("document", "result"),
    [
        (OPEN, CLOSED),
        ({"items": OPEN}, {"items": CLOSED}),
        ({"additionalProperties": OPEN}, {"additionalProperties": CLOSED}),
        ({"properties": {"x": OPEN}}, {"properties": {"x": CLOSED}, "additionalProperties": False}),
        ({**OPEN, "additionalProperties": True}, {**OPEN, "additionalProperties": True}),
        ({"type": "object"}, {"type": "object"}),
        ({**OPEN, "allOf": [OPEN]}, {**OPEN, "allOf": [OPEN]}),
        ({"anyOf": [{"properties": {"x": OPEN}}]}, {"anyOf": [{"properties": {"x": OPEN}}]}),
        ({"not": OPEN}, {"not": OPEN}),
        ({"definitions": {"x": OPEN}, "items": {"$ref": "#/definitions/x"}},
         {"definitions": {"x": CLOSED}, "items": {"$ref": "#/definitions/x"}}),
        ({"definitions": {"x": OPEN}, "allOf": [{"$ref": "#/definitions/x"}]},
         {"definitions": {"x": OPEN}, "allOf": [{"$ref": "#/definitions/x"}]}),
        ({"items": {"$ref": "#/nowhere"}, "oneOf": [{"$ref": "#/nowhere"}]},
         {"items": {"$ref": "#/nowhere"}, "oneOf": [{"$ref": "#/nowhere"}]}),
        ({"properties": [], "items": 1, "allOf": 2}, {"properties": [], "items": 1, "allOf": 2}),
        ({"properties": {1: OPEN}}, {"properties": {1: OPEN}, "additionalProperties": False}),
        (3, 3),
    ],
)  # fmt: skip
def test_objects_are_closed_where_their_schema_can_know_all_keys(document: Any, result: Any) -> None:
    assert closed(document) == result


def test_a_schema_that_is_given_whole_is_closed_too() -> None:
    (found,) = declared(schema=OPEN).violations({"a": "x", "workEmail": {}})
    assert found.message == "extraneous key [workEmail] is not permitted"
    assert OPEN == {"properties": {"a": {"type": "string"}}}


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.text(alphabet="ab.[]{}*\\", max_size=6), st.sampled_from(["string", "integer[]", "object", "map", "nope"])
    ),
    st.lists(st.sampled_from(["person", "commerce", "nope"]), max_size=2).map(tuple),
)
def test_any_declaration_is_a_schema_or_refused(fields: Any, groups: Any) -> None:
    declaration = Declaration("x", fields=fields, groups=groups)
    schema = declared_schema(declaration)
    if isinstance(schema, Schema):
        assert schema.passes({})
        assert schema.document == document_of(declaration)
    else:
        assert schema.mistakes
