"""What clients sent, in their order: the answers have what those clients read of them."""

from __future__ import annotations

import re
from typing import Any

import orjson
from flow_service_parts import (
    CONNECTION,
    DATASET,
    HTTP_SPEC,
    INLET,
    LAKE_SPEC,
    MADE_MAPPING,
    MAPPED_SPEC,
    MAPPING,
    PLAIN_SPEC,
    SCHEMA,
    SOURCE_CONNECTION,
    TARGET_CONNECTION,
    URL,
    Service,
)

from exporter.source.collection.checks.answers import Answer

PROVIDER = "521eee4d-8cbe-4906-bb48-fb6bd4450033"
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ETAG = re.compile(f'"{UUID.pattern}"')
SCHEMA_VERSION = "application/vnd.adobe.xed-full+json;version=1.0"
#: In the sample of a tutorial; what has another type in an answer is no drop-in.
SAMPLE = {
    "id": str,
    "createdAt": int,
    "updatedAt": int,
    "createdBy": str,
    "updatedBy": str,
    "createdClient": str,
    "updatedClient": str,
    "sandboxId": str,
    "sandboxName": str,
    "imsOrgId": str,
    "name": str,
    "description": str,
    "connectionSpec": dict,
    "state": str,
    "auth": dict,
    "version": str,
    "etag": str,
}
SAMPLE_PARAMS = {
    "sourceId": str,
    "inletUrl": str,
    "authenticationRequired": bool,
    "inletId": str,
    "dataType": str,
    "name": str,
}


def body_of(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.body
    return orjson.loads(answer.body)


def is_created(answer: Answer) -> str:
    body = body_of(answer, 201)
    assert set(body) == {"id", "etag"}
    assert UUID.fullmatch(body["id"])
    assert ETAG.fullmatch(body["etag"])
    return str(body["id"])


def has(item: Any, sample: dict[str, type]) -> None:
    for name, type_ in sample.items():
        assert type(item[name]) is type_, name


async def test_the_tutorials() -> None:
    service = Service()
    auth = {
        "specName": "Streaming Connection",
        "params": {"sourceId": "Sample connection", "dataType": "xdm", "name": "Sample connection"},
    }
    older = {
        "name": "Sample streaming connection",
        "providerId": PROVIDER,
        "description": "Sample description",
        "connectionSpec": HTTP_SPEC,
        "auth": auth,
    }
    guarded = {**older, "auth": {**auth, "params": {**auth["params"], "authenticationRequired": True}}}  # type: ignore[dict-item]
    is_created(await service.ask("POST", "/connections", older))
    connection = is_created(await service.ask("POST", "/connections", guarded))
    shown = body_of(await service.ask("GET", f"/connections/{connection}"))
    assert list(shown) == ["items"]
    (item,) = shown["items"]
    has(item, SAMPLE)
    params = item["auth"]["params"]
    has(params, SAMPLE_PARAMS)
    assert item["version"] == item["etag"]
    assert re.fullmatch("[0-9a-f]{64}", params["inletId"])
    assert params["inletUrl"] == f"{URL}/collection/{params['inletId']}"
    assert (params["authenticationRequired"], params["sourceId"]) == (True, "Sample connection")
    newer = {
        "name": "ACME Streaming Connection XDM Data",
        "description": "ACME streaming connection for customer data",
        "connectionSpec": HTTP_SPEC,
        "auth": {"specName": "Streaming Connection", "params": {"dataType": "xdm"}},
    }
    made = await service.shown("connections", is_created(await service.ask("POST", "/connections", newer)))
    has(made["auth"]["params"], SAMPLE_PARAMS)
    assert made["auth"]["params"]["sourceId"] == made["auth"]["params"]["name"] == newer["name"]
    assert made["auth"]["params"]["authenticationRequired"] is False

    source = {
        "name": "ACME Streaming Source Connection for Customer Data",
        "description": "A streaming source connection for ACME XDM Customer Data",
        "baseConnectionId": CONNECTION,
        "connectionSpec": HTTP_SPEC,
    }
    shown_source = await service.shown(
        "sourceConnections", is_created(await service.ask("POST", "/sourceConnections", source))
    )
    assert shown_source["params"]["inletUrl"] == f"{URL}/collection/{INLET}"
    assert shown_source["inheritedAttributes"] == {"baseConnection": {"id": CONNECTION, "connectionSpec": HTTP_SPEC}}
    for data in (None, {"format": "parquet_xdm"}, {"schema": {"id": SCHEMA, "version": SCHEMA_VERSION}}):
        target = {
            "name": "ACME Streaming Target Connection",
            "description": "ACME Streaming Target Connection",
            "data": data,
            "params": {"dataSetId": DATASET},
            "connectionSpec": LAKE_SPEC,
        }
        is_created(await service.ask("POST", "/targetConnections", target))
    plain = {
        "name": "ACME Streaming Dataflow",
        "description": "ACME streaming dataflow for customer data",
        "flowSpec": PLAIN_SPEC,
        "sourceConnectionIds": [SOURCE_CONNECTION],
        "targetConnectionIds": [TARGET_CONNECTION],
    }
    is_created(await service.ask("POST", "/flows", plain))
    transformations = [{"name": "Mapping", "params": {"mappingId": MAPPING, "mappingVersion": 0}}]
    mapped = {
        **plain,
        "name": "<name>",
        "description": "<description>",
        "flowSpec": MAPPED_SPEC,
        "transformations": transformations,
    }
    name = is_created(await service.ask("POST", "/flows", mapped))
    flow = await service.shown("flows", name)
    assert flow["inheritedAttributes"] == {
        "properties": {"isSourceFlow": True},
        "sourceConnections": [
            {
                "id": SOURCE_CONNECTION,
                "connectionSpec": HTTP_SPEC,
                "baseConnection": {"id": CONNECTION, "connectionSpec": HTTP_SPEC},
            }
        ],
        "targetConnections": [{"id": TARGET_CONNECTION, "connectionSpec": LAKE_SPEC}],
    }
    assert flow["options"] == {"inletUrl": f"{URL}/collection/{INLET}"}
    assert flow["runs"] == f"/runs?property=flowId=={name}"
    assert (flow["state"], flow["transformations"]) == ("enabled", transformations)
    assert flow["lastOperation"] == {
        "started": flow["createdAt"],
        "updated": flow["createdAt"],
        "operation": "enable",
    }


async def test_aepp() -> None:
    service = Service()
    base = {
        "name": "ACME base",
        "providerId": PROVIDER,
        "description": "provided by aepp",
        "connectionSpec": HTTP_SPEC,
        "auth": {
            "specName": "Streaming Connection",
            "params": {"sourceId": "acme-src", "dataType": "raw", "name": "acme"},
        },
    }
    connection = is_created(await service.ask("POST", "/connections", base))
    etag = (await service.shown("connections", connection))["etag"]
    listed = body_of(await service.ask("GET", "/connections", query=[("limit", "20")]))
    assert listed["_links"] == {}
    assert connection in {each["id"] for each in listed["items"]}
    assert body_of(await service.ask("GET", f"/connections/{connection}/test")) == {"result": True}
    patch = [{"op": "replace", "path": "/description", "value": "neu"}]
    patched = body_of(await service.ask("PATCH", f"/connections/{connection}", patch, headers={"if-match": etag}))
    assert patched["id"] == connection
    assert patched["etag"] != etag
    specs = {each["name"]: each["id"] for each in body_of(await service.ask("GET", "/connectionSpecs"))["items"]}
    assert specs["datalake"] == LAKE_SPEC["id"]
    source = {
        "name": "ACME source",
        "providerId": PROVIDER,
        "description": "Streaming Source powered by aepp",
        "baseConnectionId": connection,
        "connectionSpec": HTTP_SPEC,
        "data": {"format": "json"},
    }
    begins = is_created(await service.ask("POST", "/sourceConnections", source))
    target = {
        "name": "ACME target",
        "description": "",
        "data": {"format": "json", "schema": {"id": SCHEMA, "version": SCHEMA_VERSION}},
        "params": {"dataSetId": DATASET},
        "connectionSpec": LAKE_SPEC,
    }
    ends = is_created(await service.ask("POST", "/targetConnections", target))
    for word in ("sourceConnections", "targetConnections"):
        assert body_of(await service.ask("GET", f"/{word}"))["_links"] == {}
    schedule = {
        "frequency": "minute",
        "interval": "15",
        "foldernameTemplate": "%DESTINATION%_%DATASET_ID%_%DATETIME(YYYYMMdd_HHmmss)%",
    }
    mapped = {
        "name": "ACME flow",
        "flowSpec": MAPPED_SPEC,
        "sourceConnectionIds": [begins],
        "targetConnectionIds": [ends],
        "transformations": [{"name": "Mapping", "params": {"mappingId": MADE_MAPPING, "mappingVersion": 0}}],
        "scheduleParams": schedule,
    }
    is_created(await service.ask("POST", "/flows", {**mapped, "flowSpec": PLAIN_SPEC, "transformations": []}))
    flow = is_created(await service.ask("POST", "/flows", mapped))
    assert (await service.shown("flows", flow))["scheduleParams"] == schedule
    only_sources = [
        ("limit", "100"),
        ("count", "False"),
        ("property", "inheritedAttributes.properties.isSourceFlow==true"),
    ]
    found = body_of(await service.ask("GET", "/flows", query=only_sources))
    assert flow in {each["id"] for each in found["items"]}
    no_destination = [("limit", "100"), ("property", "inheritedAttributes.properties.isDestinationFlow==true")]
    assert body_of(await service.ask("GET", "/flows", query=no_destination)) == {"items": [], "_links": {}}
    by_name = [("property", "name==Stream data with transformation")]
    (spec,) = body_of(await service.ask("GET", "/flowSpecs", query=by_name))["items"]
    assert spec["id"] == MAPPED_SPEC["id"]
    assert HTTP_SPEC["id"] in spec["sourceConnectionSpecIds"]
    assert LAKE_SPEC["id"] in spec["targetConnectionSpecIds"]
    assert body_of(await service.ask("GET", f"/flowSpecs/{spec['id']}"))["items"] == [spec]
    (http,) = body_of(await service.ask("GET", f"/connectionSpecs/{HTTP_SPEC['id']}"))["items"]
    assert http["providerId"] == PROVIDER
    for op, state in (("disable", "disabled"), ("enable", "enabled")):
        body_of(await service.ask("POST", f"/flows/{flow}/action", query=[("op", op)], headers={"content-type": ""}))
        assert (await service.shown("flows", flow))["state"] == state
    etag = (await service.shown("flows", flow))["etag"]
    value = {"name": "Mapping", "params": {"mappingId": MADE_MAPPING, "mappingVersion": 1}}
    newer = [{"op": "replace", "path": "/transformations/0", "value": value}]
    body_of(await service.ask("PATCH", f"/flows/{flow}", newer, headers={"if-match": etag}))
    assert (await service.shown("flows", flow))["transformations"] == [value]
    name = [{"op": "replace", "path": "/name", "value": "z"}]
    refused = body_of(await service.ask("PATCH", f"/flows/{flow}", name, headers={"if-match": etag}), 412)
    assert refused["errorDetails"].startswith(
        f"Supplied version=[{etag}] does not match the current version on entity=["
    )
    others = [each["id"] for each in body_of(await service.ask("GET", "/flows"))["items"]]
    for each in others:
        if each != flow and (await service.shown("flows", each))["sourceConnectionIds"] == [begins]:
            assert (await service.ask("DELETE", f"/flows/{each}")).status == 204
    for path in (f"/flows/{flow}", f"/sourceConnections/{begins}", f"/targetConnections/{ends}"):
        assert (await service.ask("DELETE", path)).status == 204
        assert (await service.ask("GET", path)).status == 404
    assert (await service.ask("DELETE", f"/connections/{connection}")).status == 204


async def test_newman() -> None:
    service = Service()
    base = {
        "name": "ACME newman base",
        "connectionSpec": HTTP_SPEC,
        "auth": {"specName": "Streaming Connection", "params": {"dataType": "raw"}},
    }
    connection = is_created(await service.ask("POST", "/connections", base))
    query = [("property", "state==enabled"), ("limit", "2"), ("orderby", "-createdAt"), ("count", "false")]
    listed = body_of(await service.ask("GET", "/connections", query=query))
    assert [listed["items"][0]["id"], len(listed["items"])] == [connection, 2]
    assert listed["_links"]["next"]["href"].startswith("/connections?continuationToken=")
    etag = (await service.shown("connections", connection))["etag"]
    patch = [{"op": "replace", "path": "/name", "value": "neu"}]
    # The collection writes the etag into the address, and a slash before it.
    answer = await service.ask("PATCH", f"/connections/{connection}/", patch, query=[("if-match", etag)])
    assert body_of(answer)["id"] == connection
    source = {"name": "s", "baseConnectionId": connection, "connectionSpec": HTTP_SPEC}
    begins = is_created(await service.ask("POST", "/sourceConnections", source))
    target = {
        "name": "t",
        "data": {"schema": {"id": SCHEMA, "version": SCHEMA_VERSION}},
        "params": {"dataSetId": DATASET},
        "connectionSpec": LAKE_SPEC,
    }
    ends = is_created(await service.ask("POST", "/targetConnections", target))
    mapped = {
        "name": "ACME newman flow",
        "flowSpec": MAPPED_SPEC,
        "sourceConnectionIds": [begins],
        "targetConnectionIds": [ends],
        "transformations": [{"name": "Mapping", "params": {"mappingId": MADE_MAPPING, "mappingVersion": 0}}],
    }
    flow = is_created(await service.ask("POST", "/flows", mapped))
    assert len(body_of(await service.ask("GET", "/flows", query=[("limit", "1"), ("count", "false")]))["items"]) == 1
    etag = (await service.shown("flows", flow))["etag"]
    body_of(await service.ask("PATCH", f"/flows/{flow}", patch, query=[("if-match", etag)]))
    assert (await service.ask("DELETE", f"/flows/{flow}")).status == 204
    # The collection never deletes the source connection.
    answer = await service.ask("DELETE", f"/connections/{connection}/")
    assert (answer.status, answer.body) == (204, b"")
    assert (await service.shown("sourceConnections", begins))["inheritedAttributes"] == {}
