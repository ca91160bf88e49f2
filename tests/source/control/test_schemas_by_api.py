"""Schemas by API: what clients send is answered with what they read, and what was made checks records."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from registry_parts import DATASETS, ORG, REGISTRY, SCHEMAS, Plane, at

from exporter.source.control.answers import found
from exporter.source.control.objects.register import Change, made_before
from exporter.source.control.objects.resource import Kind, Origin, Resource
from exporter.source.control.schema_registry.declared import declared_resources
from exporter.source.control.schema_registry.resolving import resolved
from exporter.source.control.schema_registry.settings import settings_of
from exporter.source.settings.declared import SchemaSettings
from exporter.source.xdm.declaring.declaration import Declaration, document_of
from exporter.source.xdm.groups.catalogue import CLASSES, GROUPS
from exporter.source.xdm.schema import Behaviour

_CONTEXT = "https://ns.adobe.com/xdm/context/"
#: As aepp sends it.
AEPP = {
    "title": "ACME people",
    "description": "x",
    "allOf": [
        {"$ref": f"{_CONTEXT}{each}", "type": "object", "meta:xdmType": "object"}
        for each in ("profile", "profile-person-details", "identitymap")
    ],
}
#: As the reference's Postman collection sends it.
NEWMAN = {"title": "ACME newman", "type": "object", "allOf": [{"$ref": f"{_CONTEXT}profile"}]}
INLINE = {
    "title": "Inline",
    "type": "object",
    "properties": {"_acme": {"type": "object", "properties": {"key": {"type": "string", "title": "Key"}}}},
    "allOf": [{"$ref": f"{_CONTEXT}profile"}, {"properties": {"n": {"type": "integer"}}, "required": ["n"]}],
}
LOCAL = {
    "title": "By reference",
    "definitions": {"custom": {"properties": {"a": {"$ref": "#/definitions/b"}}}, "b": {"type": "string"}},
    "allOf": [{"$ref": "#/definitions/custom", "type": "object", "meta:xdmType": "object"}],
}
EVENT = {"title": "Event", "allOf": [{"$ref": f"{_CONTEXT}experienceevent"}]}


async def made(plane: Plane, body: Any) -> dict[str, Any]:
    reply = await plane.ask("POST", SCHEMAS + "/", body, accept="application/vnd.adobe.xed+json")
    assert reply.status == 201, reply
    schema: dict[str, Any] = reply.body
    return schema


@pytest.mark.parametrize("body", [AEPP, NEWMAN, INLINE, LOCAL, EVENT])
async def test_a_schema_that_is_made_says_what_clients_read(body: dict[str, Any]) -> None:
    plane = Plane()
    schema = await made(plane, body)
    hexadecimal = schema["$id"].removeprefix("https://ns.adobe.com/acme/schemas/")
    assert 40 <= len(hexadecimal) <= 64
    assert int(hexadecimal, 16) > 0
    assert schema["meta:altId"] == f"_acme.schemas.{hexadecimal}"
    assert schema["meta:resourceType"] == "schemas"
    assert (schema["imsOrg"], schema["meta:tenantNamespace"]) == (ORG, "_acme")
    assert (schema["title"], schema["type"], schema["version"]) == (body["title"], "object", "1.0")
    assert schema["meta:containerId"] == "tenant"
    assert schema["meta:class"] in schema["meta:extends"]
    assert schema["refs"] == [
        each["$ref"] for each in body["allOf"] if "$ref" in each and each["$ref"].startswith("https")
    ]
    assert schema["allOf"] == body["allOf"]
    assert set(schema["meta:registryMetadata"]) >= {"repo:createdDate", "repo:lastModifiedDate", "eTag"}
    for path in (at(schema), f"{SCHEMAS}/{schema['meta:altId']}", at(schema) + "/"):
        assert (await plane.ask("GET", path, accept="application/vnd.adobe.xed+json; version=1")).body == schema


@pytest.mark.parametrize(
    ("body", "right", "wrong"),
    [
        (
            AEPP,
            {"_id": "1", "person": {"name": {"firstName": "Ada"}}, "identityMap": {"ECID": [{"id": "1"}]}},
            {"workEmail": {"address": "a@b.c"}},
        ),
        (NEWMAN, {"_id": "1"}, {"person": {}}),
        (INLINE, {"n": 1, "_acme": {"key": "k"}}, {"n": 1, "_acme": {"kex": "k"}}),
        (INLINE, {"n": 1}, {"_acme": {"key": "k"}}),
        (LOCAL, {"a": "text"}, {"a": 1}),
        (EVENT, {"_id": "1", "timestamp": "2026-01-01T00:00:00Z"}, {"_id": "1"}),
    ],
)
async def test_a_schema_that_was_made_checks_records(body: dict[str, Any], right: Any, wrong: Any) -> None:
    plane = Plane()
    dataset = await plane.make_dataset(await made(plane, body))
    assert plane.catalogue is not None
    schema = plane.catalogue.datasets[dataset].schema
    assert schema.violations(right) == ()
    assert schema.violations(wrong) != ()


_FULL = {"properties", "$id", "title"}


@pytest.mark.parametrize(
    ("accept", "has", "lacks"),
    [
        (None, {"allOf", "title"}, {"properties"}),
        ("*/*", {"allOf", "title"}, {"properties"}),
        ("application/json", {"allOf", "title"}, {"properties"}),
        ("text/html, application/xhtml+xml, */*;q=0.8", {"allOf", "title"}, {"properties"}),
        ("application/vnd.adobe.xed+json", {"allOf", "title"}, {"properties"}),
        ("application/vnd.adobe.xdm+json; version=1", {"allOf", "title"}, {"properties"}),
        ("application/vnd.adobe.xed-notext+json;version=1", {"allOf"}, {"properties", "title", "description"}),
        ("application/vnd.adobe.xed-full+json", _FULL, {"allOf"}),
        ("application/vnd.adobe.xdm-full+json; version=1", _FULL, {"allOf"}),
        ("Application/vnd.adobe.XED-full+json; version=1.0", _FULL, {"allOf"}),
        ("application/vnd.adobe.xed-full-notext+json; version=1", {"properties"}, {"allOf", "title", "description"}),
        ("application/vnd.adobe.xed-full-desc+json; version=1", {*_FULL, "meta:descriptors"}, {"allOf"}),
        ("application/vnd.adobe.xdm-full-desc-flat-deprecated+json; version=1", _FULL, {"allOf"}),
        ("application/vnd.adobe.xed-deprecatefield+json; version=1", _FULL, {"allOf"}),
        ("application/vnd.adobe.xed-id+json", {"$id", "title", "version", "meta:altId"}, {"allOf", "properties"}),
    ],
)
async def test_accept_says_the_form(accept: str | None, has: set[str], lacks: set[str]) -> None:
    plane = Plane()
    reply = await plane.ask("GET", at(await made(plane, AEPP)), accept=accept)
    assert reply.status == 200
    assert has <= reply.body.keys()
    assert not lacks & reply.body.keys()


@pytest.mark.parametrize(
    "accept",
    [
        *("text/html", "application/vnd.adobe.xed-odd+json", "application/vnd.adobe.xml+json", "application/xml;q=1"),
        *("application/vnd.adobe.xed-full+json; version=2", "application/vnd.adobe.xed-full", "é", ",", "a;version"),
    ],
)
async def test_other_forms_are_not_to_be_had(accept: str) -> None:
    plane = Plane()
    schema = await made(plane, AEPP)
    if accept == ",":  # nothing is no wish
        assert (await plane.ask("GET", at(schema), accept=accept)).status == 200
        return
    for path in (at(schema), SCHEMAS, f"{REGISTRY}/global/classes"):
        reply = await plane.ask("GET", path, accept=accept)
        assert (reply.status, reply.body["status"]) == (406, 406)


async def test_lists_resolve_nothing() -> None:
    plane = Plane()
    await made(plane, AEPP)
    for path in (SCHEMAS, f"{REGISTRY}/global/fieldgroups"):
        reply = await plane.ask("GET", path, accept="application/vnd.adobe.xed-notext+json")
        assert "title" not in reply.body["results"][0]
        assert (await plane.ask("GET", path, accept="application/vnd.adobe.xed-full+json")).status == 406


async def test_a_flat_schema_has_paths() -> None:
    plane = Plane()
    body = {"title": "t", "properties": {"o": {"type": "array", "items": {"properties": {"sku": {"type": "string"}}}}}}
    schema = await made(plane, {**body, "allOf": AEPP["allOf"]})
    reply = await plane.ask("GET", at(schema), accept="application/vnd.adobe.xdm-full-flat+json; version=1")
    properties = reply.body["properties"]
    assert properties["person/name/firstName"] == {"type": "string"}
    assert {"o[*]/sku", "identityMap{*}[*]/id"} <= properties.keys()
    assert "person" not in properties


async def test_fields_may_be_called_title() -> None:
    plane = Plane()
    body = {"title": "t", "properties": {"title": {"type": "string", "title": "Title"}}, "allOf": NEWMAN["allOf"]}
    schema = await made(plane, body)
    reply = await plane.ask("GET", at(schema), accept="application/vnd.adobe.xed-full-notext+json; version=1")
    assert reply.body["properties"]["title"] == {"type": "string"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "body must be object"),
        ({}, "body must contain ['title'] properties"),
        ({"title": " "}, "body.title must match pattern"),
        ({"title": "t", "type": "array"}, "body.type must be one of"),
        ({"title": "t", "allOf": {}}, "body.allOf must be array"),
        ({"title": "t", "description": 1}, "body.description must be string"),
        ({"title": "t", "meta:immutableTags": [1]}, "body.meta:immutableTags[0] must be string"),
        ({"title": "t", "allOf": [1]}, "body.allOf[0] must be object"),
        ({"title": "t", "allOf": [{"$ref": "https://ns.adobe.com/xdm/no"}]}, "allOf/0/$ref: leaves the schema"),
        ({"title": "t", "allOf": [{"$ref": f"{_CONTEXT}profile", "required": ["a"]}]}, "would silence required"),
        ({"title": "t", "allOf": [{"$ref": "#/definitions/no"}]}, "leads to no schema"),
        ({"title": "t", "allOf": [{"$ref": "#"}]}, "must lead to a schema with fields of its own"),
        ({"title": "t", "allOf": [{"allOf": [{"$ref": "#/allOf/0"}]}]}, "leads back to itself"),
        ({"title": "t", "allOf": [*EVENT["allOf"], *NEWMAN["allOf"]]}, "names two classes"),
        ({"title": "t", "allOf": [{}] * 101}, "allOf: has more than 100 elements"),
        # Each of these refers twice to the next: a billion elements in all.
        (
            {
                "title": "t",
                "definitions": {f"{n}": {"allOf": [{"$ref": f"#/definitions/{n + 1}"}] * 2} for n in range(30)},
                "allOf": [{"$ref": "#/definitions/0"}],
            },
            "allOf: has more than 100 elements",
        ),
        ({"title": "t", "required": ["a"], "allOf": [{"required": [1]}]}, "allOf/0/required: is said twice"),
        ({"title": "t", "properties": {"_id": {"type": "integer"}}, "allOf": NEWMAN["allOf"]}, "is said twice"),
        ({"title": "t", "properties": {"a": {"$ref": "https://ns.adobe.com/xdm/x"}}}, "leaves the document"),
        ({"title": "t", "properties": {"a": {"odd": 1}}}, "is not a known keyword"),
        ({"title": "t", "properties": {"a": {"type": "string", "pattern": "(?=a)"}}}, "RE2"),
        ({"title": "t", "odd": 1}, "is not a known keyword"),
    ],
)
async def test_what_is_no_schema_is_refused_with_the_reason(body: Any, words: str) -> None:
    plane = Plane()
    reply = await plane.ask("POST", SCHEMAS, body)
    assert (reply.status, reply.body["status"]) == (400, 400)
    assert reply.body["errorDetails"].count(words) == 1
    assert plane.register.objects.all(Kind.SCHEMA) == ()


async def test_a_list_is_filtered_and_paged() -> None:
    plane = Plane()
    ids = [(await made(plane, {**AEPP, "title": f"t{number}"}))["$id"] for number in range(4)]
    event = (await made(plane, EVENT))["$id"]

    async def listed(query: str) -> tuple[list[str], str | None]:
        reply = await plane.ask("GET", SCHEMAS + "/", accept="application/vnd.adobe.xed-id+json", query=query)
        assert reply.status == 200
        assert {"next", "count", "orderby"} <= reply.body["_page"].keys()
        assert reply.body["_links"] == {}
        return [each["$id"] for each in reply.body["results"]], reply.body["_page"]["next"]

    assert await listed("property=meta:extends!=https://ns.adobe.com/xdm/data/adhoc") == ([*ids, event], None)
    assert await listed(f"property=meta:extends=={_CONTEXT}profile") == (ids, None)
    assert await listed(f"property=meta:class=={_CONTEXT}profile,title==t2") == ([ids[2]], None)
    assert await listed(f"property=meta:class=={_CONTEXT}profile&property=title==t1,t2") == (ids[1:3], None)
    assert await listed("property=title,description&orderby=-title") == (ids[::-1], None)
    reply = await plane.ask("GET", SCHEMAS, query="orderby=titel")
    assert reply.status == 400
    assert "no field titel to order by; there are $id," in reply.body["errorDetails"]
    assert await listed("orderby=created") == ([*ids, event], None)
    assert await listed("orderby=-created") == ([event, *ids[::-1]], None)
    assert await listed("property=no") == ([], None)
    page, following = await listed("limit=3")
    assert (page, following) == (ids[:3], "3")
    assert await listed(f"limit=3&start={following}") == ([ids[3], event], None)
    for query in ("limit=0", "limit=x", "start=-1", "property=title~~t", "property=a[==1"):
        assert (await plane.ask("GET", SCHEMAS, query=query)).status == 400


async def test_a_schema_is_marked_for_the_union_and_stays_so() -> None:
    plane = Plane()
    schema = await made(plane, AEPP)
    operation = {"op": "add", "path": "/meta:immutableTags", "value": ["union"]}
    reply = await plane.ask("PATCH", at(schema) + "/", [operation], accept="application/vnd.adobe.xed+json")
    assert (reply.status, reply.body["meta:immutableTags"], reply.body["version"]) == (200, ["union"], "1.1")
    assert reply.body["meta:registryMetadata"]["eTag"] != schema["meta:registryMetadata"]["eTag"]
    appended = {"op": "ADD", "path": "/meta:immutableTags/-", "value": "x"}
    assert (await plane.ask("PATCH", at(schema), [appended])).body["meta:immutableTags"] == ["union", "x"]
    removed = {"op": "remove", "path": "/meta:immutableTags"}
    assert (await plane.ask("PATCH", at(schema), [removed])).body["meta:immutableTags"] == ["union", "x"]


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({}, "array of operations"),
        ([], "array of operations"),
        ([{"op": "move", "path": "/title", "from": "/a"}], "op should be one of"),
        ([{"op": "remove", "path": "/title"}], "body must contain ['title'] properties"),
        ([{"op": "add", "path": "/no/where", "value": 1}], "there is no"),
        ([{"op": "add", "path": "/allOf/-", "value": {"$ref": "https://x/y"}}], "leaves the schema"),
        ([{"op": "add", "path": "/properties", "value": {"a": {"$ref": "https://x/y"}}}], "leaves the document"),
    ],
)
async def test_a_patch_that_makes_no_schema_changes_nothing(patch: Any, words: str) -> None:
    plane = Plane()
    schema = await made(plane, AEPP)
    reply = await plane.ask("PATCH", at(schema), patch)
    assert reply.status == 400
    assert words in reply.body["errorDetails"]
    assert (await plane.ask("GET", at(schema))).body == schema


async def test_a_change_is_in_force_and_kept() -> None:
    plane = Plane()
    schema = await made(plane, NEWMAN)
    dataset = await plane.make_dataset(schema)
    group = {"op": "add", "path": "/allOf/-", "value": {"$ref": f"{_CONTEXT}profile-work-details"}}
    assert (await plane.ask("PATCH", at(schema), [group])).status == 200
    assert plane.catalogue is not None
    record = {"workEmail": {"address": "a@b.c"}}
    assert plane.catalogue.datasets[dataset].schema.violations(record) == ()
    # What a client has read it writes back, with what only answers say.
    read = (await plane.ask("GET", at(schema))).body
    reply = await plane.ask("PUT", at(schema), {**read, "title": "Renamed"})
    assert (reply.status, reply.body["title"], reply.body["version"]) == (200, "Renamed", "1.2")
    again = Plane(await made_before(plane.made))
    assert (await again.ask("GET", at(schema))).body == reply.body


async def test_a_schema_goes_when_no_dataset_has_it() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    assert (await plane.make_descriptor(schema, "/workEmail/address")).status == 201
    dataset = await plane.make_dataset(schema)
    reply = await plane.ask("DELETE", at(schema))
    assert reply.status == 400
    assert dataset in reply.body["errorDetails"]
    assert (await plane.ask("DELETE", f"{DATASETS}/{dataset}")).status == 204
    assert await plane.ask("DELETE", at(schema)) == (204, None)
    assert plane.made.kept == {}
    for method in ("GET", "DELETE"):
        assert (await plane.ask(method, at(schema))).status == 404
    assert (await plane.ask("PUT", at(schema), NEWMAN)).status == 404


async def test_a_schema_to_which_a_mapping_set_maps_does_not_go() -> None:
    plane = Plane()
    schema = await plane.make_schema()
    versions = [{"version": 0, "xdmSchema": schema["$id"]}, {"version": 1}]
    origin = Origin(1)
    made = Resource(Kind.MAPPING_SET, "named", {"versions": versions}, origin, origin, "etag")
    await plane.register.change(lambda objects: Change(objects.put(made), found({})))
    reply = await plane.ask("DELETE", at(schema))
    assert reply.status == 400
    assert "The schema has mapping sets: named" in reply.body["errorDetails"]
    await plane.register.change(lambda objects: Change(objects.without(Kind.MAPPING_SET, "named"), found({})))
    assert await plane.ask("DELETE", at(schema)) == (204, None)


async def test_stats_name_the_tenant() -> None:
    plane = Plane()
    schema = await made(plane, EVENT)
    body = (await plane.ask("GET", f"{REGISTRY}/stats/", accept="application/vnd.adobe.xed+json")).body
    assert (body["imsOrg"], body["tenantId"], body["counts"]["schemas"]) == (ORG, "acme", 1)
    assert body["classUsage"][f"{_CONTEXT}experienceevent"][0]["$id"] == schema["$id"]
    assert body["recentlyCreatedResources"][0]["title"] == "Event"


async def test_the_library_is_read_in_both_containers() -> None:
    plane = Plane()
    for kind, count in (("classes", 2), ("fieldgroups", 6), ("behaviors", 2), ("datatypes", 0)):
        for container, listed in (("global", count), ("tenant", 0)):
            reply = await plane.ask("GET", f"{REGISTRY}/{container}/{kind}/", accept="application/vnd.adobe.xdm+json")
            assert len(reply.body["results"]) == listed
            assert reply.body["_page"]["next"] is None
    assert (await plane.ask("GET", f"{REGISTRY}/global/schemas", query="limit=300")).body["results"] == []
    name = "https%3A%2F%2Fns.adobe.com%2Fxdm%2Fcontext%2Fprofile-person-details"
    for path in (f"global/fieldgroups/{name}", "tenant/fieldgroups/_xdm.context.profile-person-details"):
        reply = await plane.ask("GET", f"{REGISTRY}/{path}", accept="application/vnd.adobe.xed-full+json; version=1")
        assert reply.body["title"] == "Person details"
        assert "person" in reply.body["properties"]
        assert reply.body["meta:intendedToExtend"] == [f"{_CONTEXT}profile"]
    assert (await plane.ask("GET", f"{REGISTRY}/global/classes/no")).status == 404


DECLARED = [
    {"id": "https://ns.adobe.com/acme/schemas/1", "fields": {"key": "string", "n.x[]": "integer"}, "title": "Fields"},
    {"id": "groups", "groups": ["person", "work_contact"], "fields": {"person.nick": "string", "person": "object"}},
    {"id": "events", "groups": ["commerce"], "behaviour": "time_series"},
    {"id": "whole", "schema": {"properties": {"a": {"type": "number", "maximum": 1e20}}, "$id": "x"}},
]


@pytest.mark.parametrize("section", DECLARED)
async def test_what_is_declared_is_shown_and_not_changed(section: dict[str, Any]) -> None:
    settings = SchemaSettings.model_validate(
        {**section, "identities": [{"path": "n.x", "namespace": "N", "primary": True}]}
    )
    resources = list(declared_resources([settings], "config/exporter.yaml", 5))
    assert resources == list(declared_resources([settings], "config/exporter.yaml", 5))
    other = next(declared_resources([settings.model_copy(update={"title": "Other"})], "config/exporter.yaml", 5))
    assert other.etag != resources[0].etag
    plane = Plane(resources)
    path = at({"$id": section["id"]})
    full = (await plane.ask("GET", path, accept="application/vnd.adobe.xed-full-desc+json")).body
    assert (full["$id"], full["title"]) == (section["id"], section.get("title") or section["id"])
    behaviour = Behaviour(settings.behaviour)
    declaration = Declaration("", "", behaviour, settings.schema, settings.fields, settings.groups)
    document = document_of(declaration)
    assert isinstance(document, dict)
    assert full["properties"] == document["properties"]
    assert full.get("required") == document.get("required")
    (descriptor,) = full["meta:descriptors"]
    assert (descriptor["xdm:sourceProperty"], descriptor["xdm:isPrimary"]) == ("/n/x", True)
    for method, body in (
        ("PUT", NEWMAN),
        ("PATCH", [{"op": "add", "path": "/title", "value": "x"}]),
        ("DELETE", None),
    ):
        reply = await plane.ask(method, path, body)
        assert (reply.status, reply.body["errorDetails"]) == (400, "declared in config/exporter.yaml")
    assert (await plane.make_descriptor({"$id": section["id"]}, "/key")).body[
        "errorDetails"
    ] == "declared in config/exporter.yaml"


async def test_what_json_does_not_have_is_shown_as_text() -> None:
    odd = {"default": {1: date(2026, 1, 1)}, "maximum": 10**20, "examples": (None, True, 1.5)}
    section = SchemaSettings(id="odd", schema={"properties": {"a": {"type": "number", **odd}}})
    plane = Plane(declared_resources([section], "exporter.yaml", 5))
    shown = (await plane.ask("GET", f"{SCHEMAS}/odd")).body["properties"]["a"]
    assert shown == {"type": "number", "default": {"1": "2026-01-01"}, "maximum": 1e20, "examples": [None, True, 1.5]}


@pytest.mark.parametrize("groups", [(), ("person", "work_contact"), tuple(GROUPS)])
@pytest.mark.parametrize("behaviour", Behaviour)
def test_references_come_to_what_groups_of_a_configuration_come_to(
    behaviour: Behaviour, groups: tuple[str, ...]
) -> None:
    uris = [CLASSES[behaviour].uri, *(GROUPS[name].uri for name in groups)]
    document = resolved({"title": "t", "allOf": [{"$ref": uri} for uri in uris]})
    declared = document_of(Declaration("", "", behaviour, None, {"_id": "string"}, groups))
    assert isinstance(declared, dict)
    assert document == {"title": "t", **declared}


async def test_settings_are_those_of_a_configuration() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    await plane.make_descriptor(schema, "/workEmail/address", **{"xdm:isPrimary": True})
    objects = plane.register.objects
    resource = objects.get(Kind.SCHEMA, schema["$id"])
    assert resource is not None
    settings = settings_of(resource, objects)
    assert isinstance(settings, SchemaSettings)
    assert (settings.id, settings.title, settings.behaviour) == (schema["$id"], "ACME people", Behaviour.RECORD.value)
    (identity,) = settings.identities
    assert (identity.path, identity.namespace, identity.primary) == ("/workEmail/address", "Email", True)


async def test_a_schema_has_not_so_many_fields_that_records_wait_for_it() -> None:
    plane = Plane()
    own = {f"f{each}": {"type": "object", "properties": {"a": {"type": "string"}}} for each in range(2_000)}
    schema = await plane.make_schema(properties=own)
    more = {**own, **{f"g{each}": {"type": "string"} for each in range(2_000)}}
    reply = await plane.ask("PUT", at(schema), {"title": "t", "allOf": schema["allOf"], "properties": more})
    assert (reply.status, "5000 are the most" in reply.body["errorDetails"]) == (400, True)
