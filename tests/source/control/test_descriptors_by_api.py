"""Descriptors by API: identities of schemas that were made, and others, which are kept."""

from __future__ import annotations

from typing import Any

import pytest
from registry_parts import DATASETS, DESCRIPTORS, NAMESPACES, Plane, at

from exporter.source.control.objects.resource import Kind
from exporter.source.control.schema_registry.settings import settings_of
from exporter.source.settings.declared import SchemaSettings
from exporter.source.xdm.identified import Identified
from exporter.source.xdm.identities import identities_of

_LABEL = {"@type": "xdm:descriptorLabel", "xdm:sourceProperty": "/personID", "xdm:label": ["C1"]}
_PRIMARY = {"xdm:isPrimary": True}


async def test_a_descriptor_makes_an_identity_of_a_field() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details", "identitymap")
    dataset = await plane.make_dataset(schema)
    reply = await plane.make_descriptor(schema, "/workEmail/address", **_PRIMARY)
    assert reply.status == 201
    assert len(reply.body["@id"]) == 40
    assert reply.body["meta:containerId"] == "tenant"
    assert reply.body["@type"] == "xdm:descriptorIdentity"
    assert (await plane.make_descriptor(schema, "/personID", **{"xdm:namespace": "CRMID"})).status == 201
    assert plane.catalogue is not None
    compiled = plane.catalogue.datasets[dataset].schema
    found = identities_of(compiled, {"workEmail": {"address": "a@b.c"}, "personID": "7"})
    assert isinstance(found, Identified)
    assert [(each.namespace, each.id) for each in found.identities] == [("email", "a@b.c"), ("crmid", "7")]
    assert found.primary.namespace == "email"


async def test_a_namespace_may_be_named_by_its_number() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    dataset = await plane.make_dataset(schema)
    by_number = {"xdm:property": "xdm:id"}
    assert (
        await plane.make_descriptor(schema, "/workEmail/address", **by_number, **{"xdm:namespace": 6})
    ).status == 201
    await plane.ask("POST", NAMESPACES, {"name": "CRM", "code": "CRMID", "idType": "CROSS_DEVICE"})
    assert (await plane.make_descriptor(schema, "/personID", **by_number, **{"xdm:namespace": "10001"})).status == 201
    reply = await plane.make_descriptor(schema, "/personID", **by_number, **{"xdm:namespace": 77})
    assert (reply.status, reply.body["errorDetails"]) == (400, "There is no namespace with id = [77]")
    assert plane.catalogue is not None
    compiled = plane.catalogue.datasets[dataset].schema
    assert [each.namespace for each in compiled.identities] == ["email", "crmid"]


async def test_lists_have_the_form_that_accept_says() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    other = await plane.make_schema()
    identity = (await plane.make_descriptor(schema, "/workEmail/address")).body
    label = (await plane.ask("POST", DESCRIPTORS, {**_LABEL, "xdm:sourceSchema": other["$id"]})).body

    async def listed(word: str, query: str = "") -> Any:
        reply = await plane.ask("GET", DESCRIPTORS + "/", accept=f"application/vnd.adobe.{word}+json", query=query)
        assert reply.status == 200
        return reply.body

    kinds = ("xdm:descriptorIdentity", "xdm:descriptorLabel")
    both = (identity, label)
    assert await listed("xdm") == {kind: [each] for kind, each in zip(kinds, both, strict=True)}
    assert (await plane.ask("GET", DESCRIPTORS)).body == await listed("xdm")
    assert await listed("xdm-id") == {kind: [each["@id"]] for kind, each in zip(kinds, both, strict=True)}
    links = [f"/tenant/descriptors/{each['@id']}" for each in both]
    assert await listed("xdm-link") == {kind: [link] for kind, link in zip(kinds, links, strict=True)}
    assert (await listed("xdm-v2"))["results"] == list(both)
    assert (await listed("xdm-v2"))["_page"] == {"orderby": "created", "next": None, "count": 2}
    assert (await listed("xdm-v2-link"))["results"] == links
    assert (await listed("xdm-v2-id"))["results"] == [each["@id"] for each in both]
    of_one = f"property=@type==xdm:descriptorIdentity,xdm:sourceSchema=={schema['$id']}"
    assert (await listed("xdm-v2", of_one))["results"] == [identity]
    of_none = f"property=@type==xdm:descriptorIdentity,xdm:sourceSchema=={other['$id']}"
    assert (await listed("xdm-v2", of_none))["results"] == []
    assert await listed("xdm", of_none) == {}
    assert (await listed("xdm-v2", "limit=1"))["_page"]["next"] == "1"
    assert (await plane.ask("GET", DESCRIPTORS, accept="application/vnd.adobe.xed-full+json")).status == 406


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"@type": None}, "body.@type must be string"),
        ({"xdm:sourceSchema": ""}, "xdm:sourceSchema should be a text"),
        ({"xdm:sourceSchema": "https://x/y"}, "There is no schema with id = [https://x/y]"),
        ({"xdm:sourceProperty": 1}, "body.xdm:sourceProperty must be string"),
        ({"xdm:sourceProperty": "/workEmail/adress"}, "leads to no field of the schema: there is no adress"),
        ({"xdm:sourceProperty": "/wrokEmail/address"}, "leads to no field of the schema: there is no wrokEmail"),
        ({"xdm:sourceProperty": "/workEmail"}, "leads to a field of type object"),
        ({"xdm:namespace": 6}, "xdm:namespace should be a text"),
        ({"xdm:isPrimary": "yes"}, "body.xdm:isPrimary must be boolean"),
        (_PRIMARY, "The schema has a primary identity already"),
    ],
)
async def test_what_is_no_descriptor_is_refused(fields: dict[str, Any], words: str) -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    await plane.make_descriptor(schema, "/personID", **_PRIMARY)
    kept = dict(plane.made.kept)
    reply = await plane.make_descriptor(schema, "/workEmail/address", **fields)
    assert (reply.status, reply.body["status"]) == (400, 400)
    assert words in reply.body["errorDetails"]
    assert plane.made.kept == kept


async def test_a_descriptor_is_replaced_and_deleted() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    made = (await plane.make_descriptor(schema, "/personID", **_PRIMARY)).body
    path = f"{DESCRIPTORS}/{made['@id']}"
    assert (await plane.ask("GET", path, accept="application/vnd.adobe.xdm+json")).body == made
    # Its own primary stands in nobody's way.
    reply = await plane.ask("PUT", path, {**made, "xdm:sourceProperty": "/workEmail/address"})
    assert (reply.status, reply.body) == (200, {**made, "xdm:sourceProperty": "/workEmail/address"})
    assert await plane.ask("DELETE", path) == (204, None)
    for method, body in (("GET", None), ("PUT", made), ("DELETE", None)):
        assert (await plane.ask(method, path, body)).status == 404


async def test_an_identity_of_records_does_not_go() -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    made = (await plane.make_descriptor(schema, "/workEmail/address", **_PRIMARY)).body
    # One that says nothing of identities means nothing here.
    named = {"@type": "xdm:descriptorFriendlyName", "xdm:sourceSchema": schema["$id"]}
    other = (await plane.ask("POST", DESCRIPTORS, named)).body
    dataset = await plane.make_dataset(schema)
    reply = await plane.ask("DELETE", f"{DESCRIPTORS}/{made['@id']}")
    assert reply.status == 400
    assert f"The descriptor's schema has datasets: {dataset}" in reply.body["errorDetails"]
    assert (await plane.ask("DELETE", f"{DESCRIPTORS}/{other['@id']}")).status == 204
    assert (await plane.ask("DELETE", f"{DATASETS}/{dataset}")).status == 204
    assert (await plane.ask("DELETE", f"{DESCRIPTORS}/{made['@id']}")).status == 204


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", [{"op": "remove", "path": "/allOf/1"}]),
        ("PATCH", [{"op": "remove", "path": "/allOf"}]),
        ("PUT", {"title": "nothing", "type": "object", "allOf": []}),
        ("PUT", {"title": "nothing", "type": "object"}),
    ],
    ids=["its group", "all groups", "put without a group", "put without a list of groups"],
)
async def test_a_field_with_an_identity_does_not_go(method: str, body: object) -> None:
    plane = Plane()
    schema = await plane.make_schema("profile-work-details")
    made = (await plane.make_descriptor(schema, "/workEmail/address")).body
    reply = await plane.ask(method, at(schema), body)
    assert reply.status == 400
    assert f"The schema would lose fields with identities: {made['@id']}" in reply.body["errorDetails"]


async def test_a_descriptor_waits_for_the_field_group_of_its_field() -> None:
    """Real clients make both in either order."""
    plane = Plane()
    schema = await plane.make_schema()
    reply = await plane.make_descriptor(schema, "/workEmail/address", **_PRIMARY)
    assert reply.status == 201

    def identities() -> list[str]:
        [found] = plane.register.objects.all(Kind.SCHEMA)
        settings = settings_of(found, plane.register.objects)
        assert isinstance(settings, SchemaSettings)
        return [each.path for each in settings.identities]

    assert identities() == []
    group = {"$ref": "https://ns.adobe.com/xdm/context/profile-work-details"}
    patch = [{"op": "add", "path": "/allOf/-", "value": group}]
    assert (await plane.ask("PATCH", at(schema), patch)).status == 200
    assert identities() == ["/workEmail/address"]


async def test_where_namespaces_have_to_be_declared_a_descriptor_names_one_that_is_there() -> None:
    plane = Plane(closed=True)
    schema = await plane.make_schema("profile-work-details")
    refused = await plane.make_descriptor(schema, "/personID", **{"xdm:namespace": "CRMID"})
    assert (refused.status, "no namespace with code = [CRMID]" in refused.body["errorDetails"]) == (400, True)
    await plane.ask("POST", NAMESPACES, {"name": "CRM", "code": "crmId", "idType": "CROSS_DEVICE"})
    made = await plane.make_descriptor(schema, "/personID", **{"xdm:namespace": "CRMID"})
    assert made.status == 201
    other = {"@type": "xdm:descriptorIdentity", "xdm:sourceSchema": schema["$id"], "xdm:namespace": "Other"}
    other["xdm:sourceProperty"] = "/personID"
    assert (await plane.ask("PUT", f"{DESCRIPTORS}/{made.body['@id']}", other)).status == 400
    assert (await plane.make_descriptor(schema, "/workEmail/address")).status == 201
