"""Datasets by API: what clients send and read, and what their tags mean."""

from __future__ import annotations

from typing import Any

import pytest
from registry_parts import DATASETS, ORG, Plane

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.catalog.dataset_fields import declared_resources, settings_of
from exporter.source.control.objects.register import Change
from exporter.source.control.objects.resource import Kind, Origin, Resource
from exporter.source.settings.declared import DatasetSettings


def dataset_of(tags: dict[str, Any]) -> Resource:
    fields = {"name": "n", "schemaRef": {"id": "s"}, "tags": tags, "version": "1.0.0"}
    return Resource(Kind.DATASET, "d", fields, Origin(1), Origin(1), "e")


@pytest.mark.parametrize(
    ("tags", "profile", "upsert", "validate"),
    [
        ({}, False, False, True),
        ({"unifiedProfile": ["enabled:true"]}, True, False, True),
        ({"unifiedProfile": ["enabled: true", "isUpsert: true"]}, True, True, True),
        ({"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}, True, True, True),
        ({"unifiedProfile": [" enabled : True ", "isUpsert:false"]}, True, False, True),
        ({"unifiedProfile": ["enabled:false"]}, False, False, True),
        ({"unifiedProfile": ["enabled", "true", ""]}, False, False, True),
        ({"unifiedIdentity": ["enabled:true"], "acp_validationContext": ["disabled"]}, False, False, False),
        ({"acp_validationContext": ["enabled"]}, False, False, True),
    ],
)
def test_tags_say_what_a_dataset_is_for(tags: dict[str, Any], profile: bool, upsert: bool, validate: bool) -> None:
    assert settings_of(dataset_of(tags)) == DatasetSettings(
        id="d", name="n", schema="s", profile=profile, upsert=upsert, validate=validate
    )


@pytest.mark.parametrize("profile", [True, False])
@pytest.mark.parametrize("upsert", [True, False])
@pytest.mark.parametrize("validate", [True, False])
async def test_what_is_declared_is_shown_by_tags_and_not_changed(profile: bool, upsert: bool, validate: bool) -> None:
    settings = DatasetSettings(id="d", name="n", schema="s", profile=profile, upsert=upsert, validate=validate)
    (resource,) = declared_resources([settings], "exporter.yaml", 7)
    assert settings_of(resource) == settings
    plane = Plane([resource])
    path = f"{DATASETS}/d"
    assert (await plane.ask("GET", path)).body["d"]["name"] == "n"
    for method, body in (("PATCH", {"name": "x"}), ("PATCH", [{"op": "remove", "path": "/tags"}]), ("DELETE", None)):
        reply = await plane.ask(method, path, body)
        assert (reply.status, reply.body["errorDetails"]) == (400, "declared in exporter.yaml")


async def test_a_dataset_that_is_made_says_what_clients_read() -> None:
    plane = Plane()
    schema = await plane.make_schema()
    # As aepp sends it.
    body = {
        "name": "ACME dataset",
        "schemaRef": {"id": schema["$id"], "contentType": "application/vnd.adobe.xed+json;version=1"},
        "fileDescription": {"persisted": True, "containerFormat": "parquet", "format": "parquet"},
        "tags": {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]},
    }
    reply = await plane.ask("POST", DATASETS, body, query="requestDataSource=False")
    assert reply.status == 201
    (link,) = reply.body
    name = link.removeprefix("@/dataSets/")
    assert len(name) == 24
    assert int(name, 16) > 0
    shown = (await plane.ask("GET", f"{DATASETS}/{name}/")).body[name]
    assert {key: shown[key] for key in ("name", "schemaRef", "fileDescription")} == {
        key: body[key] for key in ("name", "schemaRef", "fileDescription")
    }
    assert shown["tags"] == {**body["tags"], "adobe/pqs/table": [f"t_{name}"]}  # type: ignore[dict-item]
    assert shown["classification"] == {"managedBy": "CUSTOMER", "dataBehavior": "record"}
    assert (shown["imsOrg"], shown["version"], shown["state"]) == (ORG, "1.0.0", "DRAFT")
    assert shown["created"] == shown["updated"] > 0
    assert shown["sandboxId"]
    assert plane.catalogue is not None
    dataset = plane.catalogue.datasets[name]
    assert (dataset.profile, dataset.upsert, dataset.schema.id) == (True, False, schema["$id"])


async def test_datasets_of_events_are_time_series() -> None:
    plane = Plane()
    event = {"$ref": "https://ns.adobe.com/xdm/context/experienceevent"}
    name = await plane.make_dataset(await plane.make_schema(allOf=[event]))
    shown = (await plane.ask("GET", f"{DATASETS}/{name}")).body[name]
    assert shown["classification"]["dataBehavior"] == "time-series"


@pytest.mark.parametrize(
    ("patch", "tags", "means"),
    [
        # As aepp and the pages of the reference send them.
        (
            [{"op": "replace", "path": "/tags/unifiedProfile", "value": ["enabled:true", "isUpsert:true"]}],
            {"unifiedProfile": ["enabled:true", "isUpsert:true"]},
            (True, True, True),
        ),
        (
            [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}],
            {"unifiedProfile": ["enabled:true"]},
            (True, False, True),
        ),
        (
            {"tags": {"unifiedProfile": ["enabled:true", "isUpsert:true"]}},
            {"unifiedProfile": ["enabled:true", "isUpsert:true"]},
            (True, True, True),
        ),
        (
            [{"op": "add", "path": "/tags/acp_validationContext", "value": ["disabled"]}],
            {"acp_validationContext": ["disabled"]},
            (False, False, False),
        ),
        ({"tags": {"kept": None}, "description": "new"}, {}, (False, False, True)),
    ],
)
async def test_a_patch_changes_what_it_names(patch: Any, tags: dict[str, Any], means: tuple[bool, bool, bool]) -> None:
    plane = Plane()
    name = await plane.make_dataset(await plane.make_schema(), tags={"other": ["x"]})
    path = f"{DATASETS}/{name}"
    assert await plane.ask("PATCH", path, patch) == (200, [f"@/dataSets/{name}"])
    shown = (await plane.ask("GET", path)).body[name]
    assert shown["tags"] == {"adobe/pqs/table": [f"t_{name}"], "other": ["x"], **tags}
    assert shown["version"] == "1.0.1"
    assert shown["updated"] > shown["created"]
    assert plane.catalogue is not None
    dataset = plane.catalogue.datasets[name]
    assert (dataset.profile, dataset.upsert, dataset.validated) == means


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "body must be object"),
        ({"schemaRef": {"id": "s"}}, "body must contain ['name'"),
        ({"name": "n"}, "body must contain ['schemaRef']"),
        ({"name": "n", "schemaRef": "s"}, "body.schemaRef must be object"),
        ({"name": "n", "schemaRef": {"id": 1}}, "body.schemaRef.id must be string"),
        ({"name": "n", "schemaRef": {"id": "https://x/y"}}, "There is no schema with id = [https://x/y]"),
        ({"name": "n", "schemaRef": {"id": "s"}, "tags": []}, "body.tags must be object or null"),
        ({"name": "n", "schemaRef": {"id": "s"}, "tags": {"a": "b"}}, "body.tags.a must be array"),
        ({"name": "n", "schemaRef": {"id": "s"}, "tags": {"a": [1]}}, "body.tags.a[0] must be string"),
    ],
)
async def test_what_is_no_dataset_is_refused(body: Any, words: str) -> None:
    plane = Plane()
    reply = await plane.ask("POST", DATASETS, body)
    assert (reply.status, reply.body["status"]) == (400, 400)
    assert words in reply.body["errorDetails"]
    name = await plane.make_dataset(await plane.make_schema())
    if isinstance(body, dict):
        assert (await plane.ask("PUT", f"{DATASETS}/{name}", body)).status == 400


async def test_an_unknown_dataset_says_so_by_a_number() -> None:
    plane = Plane()
    new = {"name": "n", "schemaRef": {"id": "s"}}
    for method, body in (("GET", None), ("PATCH", {}), ("PUT", new), ("DELETE", None)):
        reply = await plane.ask(method, f"{DATASETS}/{'0' * 24}", body)
        assert (reply.status, reply.body["status"]) == (404, 404)


async def test_a_list_is_by_id_and_in_pages() -> None:
    plane = Plane()
    schema = await plane.make_schema()
    names = [await plane.make_dataset(schema, name=name) for name in ("c", "a", "b", "a", "d")]

    async def listed(query: str) -> list[str]:
        reply = await plane.ask("GET", DATASETS, query=query)
        assert reply.status == 200
        return list(reply.body)

    assert await listed("limit=100") == names
    assert await listed("name=a") == [names[1], names[3]]
    assert await listed("property=name==b,tags.none==x") == []
    assert await listed(f"property=name==b,schemaRef.id=={schema['$id']}") == [names[2]]
    assert await listed("orderBy=asc:name") == [names[number] for number in (1, 3, 2, 0, 4)]
    assert await listed("orderBy=desc:created&limit=2") == [names[4], names[3]]
    # Clients count from 1: after the first two comes the third. One that counts from 0 misses none either.
    assert await listed("limit=2&start=1") == await listed("limit=2") == await listed("limit=2&start=0") == names[:2]
    assert await listed("limit=2&start=3") == names[2:4]
    assert await listed("limit=2&start=6") == []
    picked = (await plane.ask("GET", DATASETS, query="properties=name,none&limit=1")).body
    assert picked == {names[0]: {"name": "c"}}
    for query in ("limit=101", "limit=x", "start=-1", "orderBy=up:name", "orderBy=asc:name,nmae", "property=name~^a"):
        assert (await plane.ask("GET", DATASETS, query=query)).status == 400


async def test_a_dataset_goes_when_no_target_connection_has_it() -> None:
    plane = Plane()
    name = await plane.make_dataset(await plane.make_schema())

    fields = {"params": {"dataSetId": name}}
    target = Resource(Kind.TARGET_CONNECTION, "t-1", fields, Origin(1), Origin(1), "e")
    done = Answer(200, b"")
    await plane.register.change(lambda objects: Change(objects.put(target), done))
    reply = await plane.ask("DELETE", f"{DATASETS}/{name}")
    assert reply.status == 400
    assert "t-1" in reply.body["errorDetails"]
    await plane.register.change(lambda objects: Change(objects.without(Kind.TARGET_CONNECTION, "t-1"), done))
    assert await plane.ask("DELETE", f"{DATASETS}/{name}") == (204, None)
    assert (await plane.ask("GET", f"{DATASETS}/{name}")).status == 404


async def test_a_dataset_does_not_outgrow_a_body_field_by_field() -> None:
    plane = Plane()
    name = await plane.make_dataset(await plane.make_schema())
    path = f"{DATASETS}/{name}"
    assert (await plane.ask("PATCH", path, {"a": "x" * 900_000})).status == 200
    for method, body in (
        ("PATCH", {"b": "x" * 900_000}),
        ("PATCH", [{"op": "add", "path": "/b", "value": "x" * 900_000}]),
    ):
        reply = await plane.ask(method, path, body)
        assert (reply.status, reply.body["errorCode"]) == (413, "1413-413")
    assert (await plane.ask("PATCH", path, [{"op": "remove", "path": "/a"}])).status == 200
