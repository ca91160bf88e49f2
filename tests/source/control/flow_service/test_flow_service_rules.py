"""The rules of connections and flows: what is refused with which code, what holds, and who of two writers wins."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from flow_service_parts import (
    CONNECTION,
    DATASET,
    DATASETS,
    FILE,
    FLOW,
    HTTP_SPEC,
    IDS,
    LAKE_SPEC,
    MADE_MAPPING,
    MAPPED_SPEC,
    MAPPING,
    MAPPINGS,
    MOST,
    OTHER_DATASET,
    OTHER_SCHEMA,
    PLAIN_SPEC,
    SCHEMA,
    SOURCE_CONNECTION,
    SOURCES,
    TARGET_CONNECTION,
    Service,
    connection,
    error,
    flow,
    mapping,
    source_connection,
    target_connection,
)

from exporter.sections.mistakes import Mistake
from exporter.source.control.assembling import Assembled, assembled
from exporter.source.control.flow_service.references import MappingReference, version_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import made_before
from exporter.source.control.objects.resource import Kind
from exporter.source.processing.compiling import Declared
from exporter.source.processing.planes import Ids

UNKNOWN = "00000000-0000-4000-8000-000000000000"
AUTH = {"specName": "Streaming Connection", "params": {}}


async def test_what_is_wrong_with_a_flow_is_named() -> None:
    for more in ({"transformations": None}, {"sourceConnectionIds": [SOURCE_CONNECTION] * 2}):
        answer = await Service().ask("POST", "/flows", flow(**more))
        assert f"body.{next(iter(more))} must " in answer.body.decode()


async def test_an_unknown_specification_is_told_those_that_are_known() -> None:
    answer = await Service().ask("POST", "/connections", connection(connectionSpec={"id": UNKNOWN, "version": "1.0"}))
    details = f"Please provide a valid spec id: connectionSpec.id should be {HTTP_SPEC['id']}"
    assert orjson.loads(answer.body)["errorDetails"] == details


async def test_what_is_missing_is_named() -> None:
    answer = await Service().ask("POST", "/connections", {"auth": AUTH})
    assert b"body must contain ['connectionSpec', 'name'] properties" in answer.body


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("connections", [], 400, "1400-400"),
        ("connections", {}, 400, "1400-400"),
        ("connections", connection(name=None), 400, "1400-400"),
        ("connections", connection(name=""), 400, "1400-400"),
        ("connections", connection(name="x" * 1001), 400, "1400-400"),
        ("connections", connection(name=5), 400, "1400-400"),
        ("connections", connection(description=5), 400, "1400-400"),
        ("connections", connection(connectionSpec=None), 400, "1400-400"),
        ("connections", connection(connectionSpec={"version": "1.0"}), 400, "1400-400"),
        ("connections", connection(connectionSpec={"id": UNKNOWN, "version": "1.0"}), 400, "1413-400"),
        ("connections", connection(connectionSpec=LAKE_SPEC), 400, "1413-400"),
        ("connections", connection(connectionSpec={"id": HTTP_SPEC["id"]}), 422, "1400-422"),
        ("connections", connection(auth={"specName": "Basic", "params": {}}), 400, "1415-400"),
        ("connections", connection(auth={"specName": "Streaming Connection"}), 400, "1400-400"),
        ("connections", connection(auth={**AUTH, "params": {"dataType": "csv"}}), 400, "1400-400"),
        ("connections", connection(auth={**AUTH, "params": {"authenticationRequired": "true"}}), 400, "1400-400"),
        ("connections", connection(state="deleted"), 400, "1456-400"),
        ("sourceConnections", source_connection(UNKNOWN), 400, "1400-400"),
        ("sourceConnections", source_connection(baseConnectionId=None), 400, "1400-400"),
        ("sourceConnections", source_connection(data="json"), 400, "1400-400"),
        ("targetConnections", target_connection(UNKNOWN), 400, "1400-400"),
        ("targetConnections", target_connection(params={}), 400, "1400-400"),
        ("targetConnections", target_connection(data={"schema": {"id": OTHER_SCHEMA}}), 400, "1425-400"),
        ("targetConnections", target_connection(connectionSpec=HTTP_SPEC), 400, "1413-400"),
        ("flows", flow(state="enabled"), 400, "1410-400"),
        ("flows", flow(UNKNOWN), 400, "1400-400"),
        ("flows", flow(SOURCE_CONNECTION, UNKNOWN), 400, "1400-400"),
        ("flows", flow(sourceConnectionIds=[]), 400, "1400-400"),
        ("flows", flow(*[SOURCE_CONNECTION] * 101), 400, "1400-400"),
        ("flows", flow(target=UNKNOWN), 400, "1400-400"),
        ("flows", flow(targetConnectionIds=[TARGET_CONNECTION, TARGET_CONNECTION]), 400, "1400-400"),
        ("flows", flow(flowSpec=HTTP_SPEC), 400, "1413-400"),
        ("flows", flow(SOURCE_CONNECTION, SOURCE_CONNECTION), 400, "1400-400"),
        ("flows", flow(transformations=None), 400, "1400-400"),
        ("flows", flow(transformations=[None]), 400, "1400-400"),
        ("flows", flow(transformations=[{**mapping()[0], "name": None}]), 400, "1400-400"),
        ("flows", flow(transformations=[{**mapping()[0], "name": "mapping"}]), 400, "1400-400"),
        ("flows", flow(transformations=[{"name": "Mapping", "params": {"mappingId": MAPPING}}]), 400, "1400-400"),
        ("flows", flow(transformations=[*mapping(), *mapping()]), 400, "1400-400"),
        ("flows", flow(transformations=mapping(version=7)), 400, "1412-400"),
        ("flows", flow(transformations=mapping(MAPPING, 1)), 400, "1412-400"),
        ("flows", flow(transformations=mapping(UNKNOWN)), 400, "1412-400"),
        ("flows", flow(transformations=mapping(version=2)), 400, "1425-400"),
    ],
)
async def test_what_cannot_be_made(kind: str, body: Any, status: int, code: str) -> None:
    service = Service()
    before = list(service.register.objects)
    assert error(await service.ask("POST", f"/{kind}", body)) == (status, code)
    assert list(service.register.objects) == before


async def test_what_is_made_is_kept_with_what_nobody_knows_and_without_what_others_say() -> None:
    service = Service()
    params = {"dataType": "xdm", "inletId": "mine", "inletUrl": "mine", "region": "eu"}
    body = connection(
        auth={"specName": "Streaming Connection", "params": params}, labels=["a"], id="mine", etag="mine", createdAt=1
    )
    name = await service.create("connections", body)
    shown = await service.shown("connections", name)
    assert shown["labels"] == ["a"]
    assert shown["auth"]["params"]["region"] == "eu"
    assert "mine" not in (shown["id"], shown["etag"], *shown["auth"]["params"].values())
    assert (shown["createdClient"], shown["state"], shown["description"]) == ("acme-client", "enabled", "")
    both = await service.create("flows", flow(inheritedAttributes={"properties": {"isDestinationFlow": True}}))
    assert (await service.shown("flows", both))["inheritedAttributes"]["properties"] == {"isSourceFlow": True}
    assert {each.id for each in await made_before(service.made)} == {name, both}
    kept = Objects(await made_before(service.made))
    assert kept.get(Kind.FLOW, both) == service.register.objects.get(Kind.FLOW, both)


async def test_inlets_are_never_the_same() -> None:
    service = Service()
    names = [await service.create("connections", connection()) for _ in range(5)]
    inlets = {(await service.shown("connections", each))["auth"]["params"]["inletId"] for each in names}
    assert len(inlets) == 5


async def test_a_source_connection_may_name_its_connection_in_either_way() -> None:
    service = Service()
    body = {"name": "s", "connectionId": CONNECTION, "connectionSpec": HTTP_SPEC}
    shown = await service.shown("sourceConnections", await service.create("sourceConnections", body))
    assert shown["baseConnectionId"] == CONNECTION


@pytest.mark.parametrize(
    ("kind", "operation", "status", "code"),
    [
        ("connections", {"op": "move", "path": "/name", "from": "/description"}, 400, "1434-400"),
        ("connections", {"op": "replace", "path": "/missing", "value": 1}, 400, "1455-400"),
        ("connections", {"op": "replace", "path": "/connectionSpec/id", "value": UNKNOWN}, 400, "1414-400"),
        ("connections", {"op": "replace", "path": "/auth/params/inletId", "value": "a" * 64}, 400, "1455-400"),
        ("connections", {"op": "add", "path": "/auth/params/inletUrl", "value": "x"}, 400, "1455-400"),
        ("connections", {"op": "replace", "path": "/auth/params", "value": {}}, 400, "1455-400"),
        ("connections", {"op": "remove", "path": "/auth"}, 400, "1455-400"),
        ("connections", {"op": "replace", "path": "/id", "value": UNKNOWN}, 400, "1455-400"),
        ("connections", {"op": "add", "path": "/etag", "value": "x"}, 400, "1455-400"),
        ("connections", {"op": "replace", "path": "/auth/params/dataType", "value": "csv"}, 400, "1400-400"),
        ("connections", {"op": "remove", "path": "/name"}, 400, "1400-400"),
        ("connections", {"op": "replace", "path": "/state", "value": "draft"}, 400, "1456-400"),
        ("connections", {"op": "remove", "path": "/state"}, 400, "1456-400"),
        ("connections", {"op": "add", "path": "/big", "value": "x" * MOST}, 413, "1413-413"),
        ("sourceConnections", {"op": "replace", "path": "/baseConnectionId", "value": UNKNOWN}, 400, "1455-400"),
        ("sourceConnections", {"op": "replace", "path": "/state", "value": "disabled"}, 400, "1455-400"),
        ("targetConnections", {"op": "replace", "path": "/params/dataSetId", "value": OTHER_DATASET}, 400, "1455-400"),
        ("targetConnections", {"op": "add", "path": "/data/schema", "value": {"id": SCHEMA}}, 400, "1455-400"),
        ("flows", {"op": "replace", "path": "/sourceConnectionIds/0", "value": UNKNOWN}, 400, "1455-400"),
        ("flows", {"op": "replace", "path": "/targetConnectionIds", "value": [UNKNOWN]}, 400, "1455-400"),
        ("flows", {"op": "replace", "path": "/flowSpec", "value": MAPPED_SPEC}, 400, "1455-400"),
        ("flows", {"op": "add", "path": "/inheritedAttributes", "value": {}}, 400, "1455-400"),
        ("flows", {"op": "add", "path": "/transformations/0", "value": mapping(version=7)[0]}, 400, "1412-400"),
        ("flows", {"op": "add", "path": "/transformations/0", "value": mapping(version=2)[0]}, 400, "1425-400"),
        (
            "flows",
            {"op": "add", "path": "/transformations/-", "value": {"name": "Filter", "params": {}}},
            400,
            "1400-400",
        ),
    ],
)
async def test_what_cannot_be_changed(kind: str, operation: Any, status: int, code: str) -> None:
    service = Service()
    bodies = {
        "connections": connection(),
        "sourceConnections": source_connection(),
        "targetConnections": target_connection(),
        "flows": flow(),
    }
    name = await service.create(kind, bodies[kind])
    before = await service.shown(kind, name)
    answer = await service.ask("PATCH", f"/{kind}/{name}", [operation], headers={"if-match": before["etag"]})
    assert error(answer) == (status, code)
    assert await service.shown(kind, name) == before


@pytest.mark.parametrize(
    ("kind", "operations", "expected"),
    [
        ("connections", [{"op": "Replace", "path": "/name", "value": "new"}], {"name": "new"}),
        ("connections", [{"op": "add", "path": "/labels", "value": [1]}], {"labels": [1]}),
        ("connections", [{"op": "replace", "path": "/state", "value": "disabled"}], {"state": "disabled"}),
        ("flows", [{"op": "add", "path": "/transformations/0", "value": mapping()[0]}], {"transformations": mapping()}),
        ("flows", [{"op": "add", "path": "/scheduleParams", "value": {"a": 1}}], {"scheduleParams": {"a": 1}}),
        ("targetConnections", [{"op": "replace", "path": "/description", "value": "d"}], {"description": "d"}),
    ],
)
async def test_what_a_patch_changes(kind: str, operations: Any, expected: dict[str, Any]) -> None:
    service = Service()
    bodies = {"connections": connection(), "targetConnections": target_connection(), "flows": flow()}
    name = await service.create(kind, bodies[kind])
    before = await service.shown(kind, name)
    # Without the quotes that belong to it, too.
    headers = {"if-match": before["etag"].strip('"')}
    answer = await service.ask("PATCH", f"/{kind}/{name}", operations, headers=headers)
    after = await service.shown(kind, name)
    assert orjson.loads(answer.body) == {"id": name, "etag": after["etag"]}
    marks = {"updatedAt", "version", "etag", "lastOperation"}
    assert {key: after[key] for key in after if key not in marks} == {
        **{key: before[key] for key in before if key not in marks},
        **expected,
    }
    assert after["etag"] != before["etag"]
    assert after["updatedAt"] > before["updatedAt"]


async def test_a_change_of_who_must_present_a_token_is_a_change_of_the_source() -> None:
    service = Service()
    name = await service.create("connections", connection())
    etag = (await service.shown("connections", name))["etag"]
    patch = [{"op": "replace", "path": "/auth/params/authenticationRequired", "value": True}]
    await service.ask("PATCH", f"/connections/{name}", patch, headers={"if-match": etag})
    assert (await service.shown("connections", name))["auth"]["params"]["authenticationRequired"] is True


PATCH = [{"op": "replace", "path": "/name", "value": "new"}]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (PATCH, {}, 400, "1403-400"),
        (PATCH, {"if-match": ""}, 400, "1403-400"),
        (PATCH, {"if-match": '"other"'}, 412, "1404-412"),
        (PATCH, {"if-match": '"other", W/{etag}'}, 412, "1404-412"),
        (PATCH, {"if-match": '"*"'}, 412, "1404-412"),
        (None, {"if-match": "{etag}"}, 400, "1405-400"),
        ([], {"if-match": "{etag}"}, 400, "1405-400"),
        ({}, {"if-match": "{etag}"}, 400, "1405-400"),
        ({"name": "new"}, {"if-match": "{etag}"}, 400, "1434-400"),
        ("name", {"if-match": "{etag}"}, 400, "1434-400"),
    ],
)
async def test_a_patch_names_the_version_that_it_changes(body: Any, headers: Any, status: int, code: str) -> None:
    service = Service()
    name = await service.create("connections", connection())
    etag = (await service.shown("connections", name))["etag"]
    known = {key: value.replace("{etag}", etag) for key, value in headers.items()}
    assert error(await service.ask("PATCH", f"/connections/{name}", body, headers=known)) == (status, code)


@pytest.mark.parametrize("named", ["*", '"other", {etag}'])
async def test_a_patch_may_name_any_version_or_one_of_several(named: str) -> None:
    service = Service()
    name = await service.create("connections", connection())
    headers = {"if-match": named.replace("{etag}", (await service.shown("connections", name))["etag"])}
    assert (await service.ask("PATCH", f"/connections/{name}", PATCH, headers=headers)).status == 200
    assert (await service.ask("PATCH", f"/connections/{UNKNOWN}", PATCH, headers=headers)).status == 404


async def test_of_two_writers_with_one_etag_one_wins() -> None:
    service = Service()
    name = await service.create("flows", flow())
    etag = (await service.shown("flows", name))["etag"]

    async def write(word: str) -> int:
        patch = [{"op": "replace", "path": "/name", "value": word}]
        return (await service.ask("PATCH", f"/flows/{name}", patch, headers={"if-match": etag})).status

    statuses = await asyncio.gather(write("one"), write("other"))
    assert sorted(statuses) == [200, 412]
    assert (await service.shown("flows", name))["name"] == ("one" if statuses[0] == 200 else "other")


@pytest.mark.parametrize(
    ("query", "status", "state"),
    [
        ("op=disable", 200, "disabled"),
        ("op=DISABLE", 200, "disabled"),
        ("op=enable", 200, "enabled"),
        ("op=publish", 400, "enabled"),
        ("", 400, "enabled"),
    ],
)
@pytest.mark.parametrize(("kind", "body"), [("connections", connection()), ("flows", flow())])
async def test_actions(kind: str, body: Any, query: str, status: int, state: str) -> None:
    service = Service()
    name = await service.create(kind, body)
    before = (await service.shown(kind, name))["etag"]
    answer = await service.ask("POST", f"/{kind}/{name}/action", query=query, headers={"content-type": ""})
    after = await service.shown(kind, name)
    assert (answer.status, after["state"]) == (status, state)
    if status == 200:
        assert orjson.loads(answer.body) == {"id": name, "etag": after["etag"]}
    else:
        assert error(answer) == (400, "1434-400")
    assert (after["etag"] == before) is (state == "enabled")


async def test_a_disabled_connection_works_no_more() -> None:
    service = Service()
    name = await service.create("connections", connection())
    await service.ask("POST", f"/connections/{name}/action", query="op=disable")
    assert orjson.loads((await service.ask("GET", f"/connections/{name}/test")).body) == {"result": False}


async def test_what_a_flow_uses_is_not_deleted() -> None:
    service = Service()
    base = await service.create("connections", connection())
    source = await service.create("sourceConnections", source_connection(base))
    target = await service.create("targetConnections", target_connection())
    name = await service.create("flows", flow(SOURCE_CONNECTION, source, target=target))
    for path, code in (
        ("connections", "1418-400"),
        ("sourceConnections", "1447-400"),
        ("targetConnections", "1447-400"),
    ):
        used = {"connections": base, "sourceConnections": source, "targetConnections": target}[path]
        answer = await service.ask("DELETE", f"/{path}/{used}")
        assert error(answer) == (400, code)
        assert orjson.loads(answer.body)["errorDetails"].endswith(f": {name}")
    assert (await service.ask("DELETE", f"/flows/{name}")).status == 204
    for path, used in (("targetConnections", target), ("sourceConnections", source), ("connections", base)):
        assert (await service.ask("DELETE", f"/{path}/{used}")).status == 204


async def test_what_clients_make_up_under_the_names_of_what_is_kept_means_nothing() -> None:
    service = Service()
    made_up = {"mappingSet": "x", "keptDatasets": 1, "keptSchemas": [1], "dataSetId": 2}
    name = await service.create("flows", {**flow(transformations=mapping(version=1)), **made_up})
    # Its connection is declared no more, so that it hangs on no inlet.
    for declared in (Declared(datasets=DATASETS, mappings=MAPPINGS, sources=SOURCES), Declared()):
        ids = IDS if declared.sources else Ids({}, {}, {})
        whole = assembled(declared, ids, service.register.objects)
        assert isinstance(whole, Assembled)
        assert f"{MADE_MAPPING}/1" in whole.declared.made
    await service.ask("DELETE", f"/flows/{name}")
    left = service.register.objects.get(Kind.DELETED_FLOW, name)
    assert left is not None
    assert (left.fields["dataSetId"], left.fields["keptDatasets"]) == (DATASET, [])


async def test_a_deleted_flow_stays_known_to_those_who_process_what_names_it() -> None:
    service = Service()
    target = await service.create("targetConnections", target_connection())
    name = await service.create("flows", flow(target=target, transformations=mapping(version=1)))
    version = version_of(service.register.objects, MappingReference(MADE_MAPPING, 1))
    await service.ask("DELETE", f"/flows/{name}")
    await service.ask("DELETE", f"/targetConnections/{target}")
    assert service.register.objects.get(Kind.FLOW, name) is None
    left = service.register.objects.get(Kind.DELETED_FLOW, name)
    assert left is not None
    assert (left.fields["dataSetId"], left.fields["mappingSet"]) == (DATASET, version)
    # Its mapping set may be deleted from now on, as clients that tidy up do at once.
    without = service.register.objects.without(Kind.MAPPING_SET, MADE_MAPPING)
    whole = assembled(Declared(datasets=DATASETS, mappings=MAPPINGS, sources=SOURCES), IDS, without)
    assert isinstance(whole, Assembled)
    [gone] = whole.declared.gone
    assert gone.flow.mapping == f"{MADE_MAPPING}/1"
    assert [each.id for each in gone.mappings] == [f"{MADE_MAPPING}/1"]
    assert [each.id for each in whole.declared.mappings] == [MAPPING]
    assert left.updated.at > left.created.at
    assert Objects(await made_before(service.made)).get(Kind.DELETED_FLOW, name) == left
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/action")):
        assert error(await service.ask(method, f"/flows/{name}{path}", PATCH)) == (404, "1439-404")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("connections", CONNECTION),
        ("sourceConnections", SOURCE_CONNECTION),
        ("targetConnections", TARGET_CONNECTION),
        ("flows", FLOW),
    ],
)
async def test_what_is_declared_is_only_read(kind: str, name: str) -> None:
    service = Service()
    before = await service.shown(kind, name)
    asked = [("PATCH", "", ""), ("DELETE", "", "")]
    if kind in ("connections", "flows"):
        asked.append(("POST", "/action", "op=disable"))
    for method, path, query in asked:
        headers = {"if-match": before["etag"]}
        answer = await service.ask(method, f"/{kind}/{name}{path}", PATCH, query=query, headers=headers)
        assert error(answer) == (400, "1400-400")
        assert f"declared in {FILE}" in orjson.loads(answer.body)["errorDetails"]
    assert await service.shown(kind, name) == before
    assert service.made.kept == {}


@pytest.mark.parametrize("kind", ["connections", "sourceConnections", "targetConnections", "flows", "connectionSpecs"])
@pytest.mark.parametrize("name", [UNKNOWN, "%2F", "%00", "%FF", "x" * 500])
async def test_what_is_not_there(kind: str, name: str) -> None:
    answer = await Service().ask("GET", f"/{kind}/{name}")
    assert error(answer) == (404, "1439-404")
    assert orjson.loads(answer.body)["errorDetails"].startswith(f"{kind} not found with id = [")


async def test_a_flow_that_cannot_be_compiled_is_refused_in_the_words_of_the_compiler() -> None:
    service = Service([Mistake(("mappings", MADE_MAPPING, "mappings", 0), "unknown function")])
    answer = await service.ask("POST", "/flows", flow(transformations=mapping()))
    assert error(answer) == (400, "1419-400")
    assert "unknown function" in orjson.loads(answer.body)["errorDetails"]
    assert error(await service.ask("POST", "/connections", connection())) == (400, "1400-400")


async def test_a_mapping_may_be_a_declared_one() -> None:
    service = Service()
    body = flow(flowSpec=PLAIN_SPEC, transformations=mapping(MAPPING))
    assert (await service.shown("flows", await service.create("flows", body)))["transformations"] == mapping(MAPPING)
