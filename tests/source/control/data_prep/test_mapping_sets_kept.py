"""Mapping sets that are kept: as recorded clients make, read and change them, version by version."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from data_prep_plane import CONTENT_TYPE, LONG, OUTPUT_SCHEMA, SCHEMA, SCHEMA_ID, SHORT, Kept, asked
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.control.assembling import Assembled, assembled
from exporter.source.control.data_prep import versions
from exporter.source.control.data_prep.declared import declared_set
from exporter.source.control.data_prep.reading import MOST_MAPPINGS
from exporter.source.control.flow_service.flows import flows
from exporter.source.control.flow_service.references import schema_of_mapping
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Origin, Resource
from exporter.source.processing.compiling import Declared
from exporter.source.processing.planes import Ids
from exporter.source.settings.declared import MappingSetSettings

ERROR = {"errorCode", "errorMessage", "errorDetails", "status"}
MADE = {"id", "version", "createdDate", "modifiedDate", "createdBy", "modifiedBy"}
SETS = "/mappingSets"

FIRST_NAME = {"sourceType": "ATTRIBUTE", "source": "firstName", "destination": "person.name.firstName"}
CURRENT = {"outputSchema": OUTPUT_SCHEMA, "mappings": [FIRST_NAME]}
LEGACY = {
    "version": 0,
    "xdmSchema": SCHEMA_ID,
    "xdmVersion": "1.0",
    "mappings": [
        {
            "destinationXdmPath": "person.name.firstName",
            "sourceAttribute": "firstName",
            "identity": False,
            "version": 0,
        }
    ],
}
UPPER = {**CURRENT, "mappings": [{**FIRST_NAME, "sourceType": "EXPRESSION", "source": "upper(firstName)"}]}
WRONG = {**CURRENT, "mappings": [{**FIRST_NAME, "source": "uper(firstName)", "sourceType": "EXPRESSION"}]}


async def made(kept: Kept, body: Any, query: str = "") -> str:
    status, answer = await kept.ask("POST", SETS + query, body)
    assert (status, set(answer), answer["version"]) == (200, MADE, 0)
    name = answer["id"]
    assert isinstance(name, str)
    return name


@pytest.mark.parametrize("base", [LONG, SHORT])
@pytest.mark.parametrize(("body", "query"), [(CURRENT, "?validate=True"), (LEGACY, ""), (CURRENT, "?validate=False")])
async def test_a_set_is_made_and_read_in_both_dialects(base: str, body: Any, query: str) -> None:
    kept = Kept()
    status, answer = await asked("POST", f"{base}{SETS}{query}", body, plane=kept.plane)
    assert (status, set(answer)) == (200, MADE)
    assert len(answer["id"]) == 32
    assert int(answer["id"], 16)
    assert (answer["version"], answer["createdBy"], answer["modifiedBy"]) == (0, "acme-client", "acme-client")
    status, shown = await asked("GET", f"{base}{SETS}/{answer['id']}/?expandSchema=false&version=0", plane=kept.plane)
    assert status == 200
    mapping = shown.pop("mappings")[0]
    assert shown == {
        **answer,
        "status": "PUBLISHED",
        "supportVersion": "1.1",
        "allowNullValues": False,
        "strictMapping": False,
        "outputSchema": {"schemaRef": {"id": SCHEMA_ID, "contentType": CONTENT_TYPE}},
        "xdmSchema": SCHEMA_ID,
        "xdmVersion": "1.0",
    }
    assert len(mapping.pop("id")) == 32
    assert mapping == {
        "version": 0,
        "sourceType": "ATTRIBUTE",
        "source": "firstName",
        "sourceAttribute": "firstName",
        "destination": "person.name.firstName",
        "destinationXdmPath": "person.name.firstName",
        "identity": False,
        "primaryIdentity": False,
        "matchScore": 0.0,
        "functionVersion": 1,
        **{name: value for name, value in answer.items() if name not in ("id", "version")},
    }


async def test_what_nobody_here_knows_is_kept() -> None:
    kept = Kept()
    more = {"tags": [{"name": "t", "values": ["x"]}], "inputSchema": {"id": "s", "version": 0}, "name": "Ours"}
    mapping = {**FIRST_NAME, "name": "First name", "description": "of a person", "own": {"a": [1]}, "matchScore": 0.5}
    body = {**CURRENT, **more, "mappings": [mapping], "strictMapping": True, "status": "DRAFT", "createdBy": "them"}
    name = await made(kept, body)
    _, shown = await kept.ask("GET", f"{SETS}/{name}")
    assert {key: shown[key] for key in more} == more
    assert (shown["strictMapping"], shown["status"], shown["createdBy"]) == (True, "DRAFT", "acme-client")
    assert {key: shown["mappings"][0][key] for key in mapping} == mapping


async def test_the_short_form_is_made_a_list() -> None:
    kept = Kept()
    name = await made(kept, {"schema": SCHEMA_ID, "mappings": {"_id": "id", "age": "n + 1"}})
    _, shown = await kept.ask("GET", f"{SETS}/{name}")
    assert [(each["sourceType"], each["source"], each["destination"]) for each in shown["mappings"]] == [
        ("ATTRIBUTE", "id", "_id"),
        ("EXPRESSION", "n + 1", "age"),
    ]
    assert shown["outputSchema"]["schemaRef"]["id"] == SCHEMA_ID


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (WRONG, "1419-400", "mappings.0"),
        ({**CURRENT, "mappings": [{**FIRST_NAME, "destination": "nowhere"}]}, "1419-400", "nowhere"),
        ({**CURRENT, "mappings": [FIRST_NAME, {"source": "a"}]}, "1419-400", "mappings.1: destination: is missing"),
        ({**CURRENT, "mappings": [{}] * 20}, "1419-400", "and 30 more"),
        ({"xdmSchema": "lost", "mappings": []}, "1419-400", "lost"),
    ],
)
async def test_only_on_demand_does_a_set_have_to_compile(body: Any, code: str, words: str) -> None:
    kept = Kept()
    status, answer = await kept.ask("POST", f"{SETS}?validate=TRUE", body)
    assert (status, answer["errorCode"]) == (400, code)
    assert words in answer["errorDetails"]
    assert kept.made.kept == {}
    name = await made(kept, body)
    assert (await kept.ask("PUT", f"{SETS}/{name}?validate=true", body))[0] == 400
    assert (await kept.ask("PUT", f"{SETS}/{name}", body))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        None,
        [],
        7,
        {"mappings": "a"},
        {"mappings": [1]},
        {"mappings": {"a": 1, "": "b"}},
        {"mappings": [{}] * 5001},
        {"id": 7},
        {"allowNullValues": "yes"},
        {"outputSchema": {"schemaRef": {"id": {}}}},
    ],
)
async def test_what_is_no_set_is_refused(body: Any) -> None:
    kept = Kept()
    name = await made(kept, CURRENT)
    for method, path in (("POST", SETS), ("PUT", f"{SETS}/{name}"), ("POST", f"{SETS}?validate=true")):
        status, answer = await kept.ask(method, path, body)
        assert (status, set(answer)) == (400, ERROR)
    assert len(kept.made.kept) == 1


async def test_a_set_is_replaced_by_its_next_version() -> None:
    kept = Kept()
    name = await made(kept, CURRENT)
    _, before = await kept.ask("GET", f"{SETS}/{name}")
    status, after = await kept.ask("PUT", f"{SETS}/{name}", UPPER)
    assert (status, after["id"], after["version"]) == (200, name, 1)
    assert after["createdDate"] == before["createdDate"] < after["modifiedDate"]
    assert (await kept.ask("GET", f"{SETS}/{name}"))[1] == after
    assert (await kept.ask("GET", f"{SETS}/{name}?version=1"))[1] == after
    assert (await kept.ask("GET", f"{SETS}/{name}?version=0"))[1] == before
    assert (await kept.ask("GET", f"{SETS}/{name}?version=2"))[0] == 404
    assert (await kept.ask("GET", f"{SETS}/{name}?version=x"))[0] == 400


async def test_what_was_read_can_be_sent_back_with_a_change_in_either_dialect() -> None:
    kept = Kept()
    name = await made(kept, {**CURRENT, "mappings": [FIRST_NAME, {"source": "id", "destination": "_id"}]})
    _, shown = await kept.ask("GET", f"{SETS}/{name}?expandSchema=true")
    ids = [each["id"] for each in shown["mappings"]]
    _, same = await kept.ask("PUT", f"{SETS}/{name}", shown)
    assert same["mappings"] == shown["mappings"]
    assert "jsonSchema" not in same["outputSchema"]
    for field, other in (("source", "sourceAttribute"), ("sourceAttribute", "source")):
        _, shown = await kept.ask("GET", f"{SETS}/{name}")
        shown["mappings"][0][field] = f"changed by {field}"
        _, after = await kept.ask("PUT", f"{SETS}/{name}", shown)
        assert after["mappings"][0][other] == f"changed by {field}"
        assert [each["id"] for each in after["mappings"]] == ids
        assert after["mappings"][1] == same["mappings"][1]
        assert after["mappings"][0]["modifiedDate"] == after["modifiedDate"]
    shown = {**after, "xdmSchema": "other"}
    _, after = await kept.ask("PUT", f"{SETS}/{name}", shown)
    assert after["outputSchema"]["schemaRef"]["id"] == "other"


async def test_an_id_stands_for_one_mapping() -> None:
    kept = Kept()
    name = await made(kept, CURRENT)
    _, shown = await kept.ask("GET", f"{SETS}/{name}")
    [mapping] = shown["mappings"]
    _, after = await kept.ask(
        "PUT", f"{SETS}/{name}", {**shown, "mappings": [mapping, mapping, {**mapping, "id": "x"}]}
    )
    ids = [each["id"] for each in after["mappings"]]
    assert (len(set(ids)), ids[0], "x" in ids) == (3, mapping["id"], False)


async def test_mappings_are_bounded() -> None:
    kept = Kept()
    name = await made(kept, {"mappings": [{}] * (MOST_MAPPINGS - 1)})
    assert [(await kept.ask("POST", f"{SETS}/{name}/mappings", FIRST_NAME))[0] for _ in range(2)] == [200, 400]
    given = {"id": "raw", "schema": SCHEMA_ID, "mappings": {f"a{n}": "b" for n in range(MOST_MAPPINGS + 1)}}
    declared = Kept(declared_set(MappingSetSettings.model_validate(given), "source.yaml", 7))
    _, answer = await declared.ask("GET", f"{SETS}/raw/mappings")
    assert len(answer["data"]) == MOST_MAPPINGS + 1


async def test_a_set_is_deleted_unless_a_flow_uses_it() -> None:
    kept = Kept()
    name = await made(kept, CURRENT)
    status, answer = await kept.beside(flow_on(name, 0)).ask("DELETE", f"{SETS}/{name}")
    assert (status, answer["errorCode"]) == (400, "1418-400")
    assert f"[{UUID(int=0)}]" in answer["errorDetails"]
    kept = kept.beside(flow_on("other", 0), flow_on(name, 0, Kind.DELETED_FLOW))
    assert await kept.ask("DELETE", f"{SETS}/{name}") == (204, None)
    for method, body in (("GET", None), ("PUT", CURRENT), ("DELETE", None)):
        status, answer = await kept.ask(method, f"{SETS}/{name}", body)
        assert (status, answer["errorDetails"]) == (404, f"mappingSets not found with id = [{name}]")
    assert kept.made.kept == {}


async def test_a_deleted_flow_maps_by_its_version_when_the_set_is_gone() -> None:
    kept = Kept()
    name = await made(kept, CURRENT)
    await kept.ask("PUT", f"{SETS}/{name}", UPPER)
    flow, left = flow_on(name, 0), flows().left
    assert left is not None
    kind, fields = left[0], left[1](flow, kept.register.objects)
    fields = {**fields, "name": "f", "state": "enabled", "dataSetId": "people"}
    deleted = replace(flow, kind=kind, fields=fields, declared=None)
    assert (await kept.ask("DELETE", f"{SETS}/{name}"))[0] == 204
    whole = assembled(Declared(), Ids({}, {}, {}), Objects([deleted]))
    assert isinstance(whole, Assembled)
    [gone] = whole.declared.gone
    [section] = gone.mappings
    assert (section.id, section.schema, gone.flow.mapping) == (f"{name}/0", SCHEMA_ID, section.id)
    assert isinstance(section.mappings, tuple)
    assert [each["source"] for each in section.mappings] == ["firstName"]


@pytest.mark.parametrize("kind", [Kind.FLOW, Kind.DELETED_FLOW])
def test_no_flow_is_moved_to_another_version_of_a_declared_set(kind: Kind) -> None:
    def declared(version: int, source: str) -> Resource:
        section = {"id": "raw", "version": version, "schema": SCHEMA_ID, "mappings": {"person.name.firstName": source}}
        return declared_set(MappingSetSettings.model_validate(section), "a.yaml", 1)

    before, after = declared(0, "firstName"), declared(1, "upper(firstName)")
    flow, left = replace(flow_on("raw", 0), declared=None), flows().left
    assert left is not None
    if kind is Kind.DELETED_FLOW:
        fields = {**left[1](flow, Objects([before])), "name": "f", "state": "enabled", "dataSetId": "people"}
        flow = replace(flow, kind=kind, fields=fields)
    assert isinstance(assembled(Declared(), Ids({}, {}, {}), Objects([before, flow])), Assembled)
    whole = assembled(Declared(), Ids({}, {}, {}), Objects([after, flow]))
    if kind is Kind.FLOW:
        assert not isinstance(whole, Assembled)
        [mistake] = whole
        assert mistake.at == ("flows", flow.id)
        assert "names version 0 of mapping set raw, which is declared with version 1 now" in mistake.reason
        return
    # What it has taken is applied by it as it was.
    assert isinstance(whole, Assembled)
    [gone] = whole.declared.gone
    [section] = gone.mappings
    assert (section.id, gone.flow.mapping, section.version) == ("raw/0", "raw/0", 0)
    assert isinstance(section.mappings, tuple)
    assert [each["source"] for each in section.mappings] == ["firstName"]


async def test_each_change_of_a_mapping_is_a_version() -> None:
    kept = Kept()
    name = await made(kept, CURRENT)
    mappings = f"{SETS}/{name}/mappings"
    status, added = await kept.ask("POST", mappings, {"sourceType": "ATTRIBUTE", "source": "a", "destination": "b"})
    assert (status, added["sourceAttribute"], added["destinationXdmPath"]) == (200, "a", "b")
    status, changed = await kept.ask("PUT", f"{mappings}/{added['id']}", {"source": "c", "destination": "b"})
    assert (status, changed["id"], changed["source"]) == (200, added["id"], "c")
    assert changed["createdDate"] == added["createdDate"] < changed["modifiedDate"]
    assert await kept.ask("GET", f"{mappings}/{added['id']}") == (200, changed)
    assert await kept.ask("GET", f"{mappings}/{added['id']}?version=1") == (200, added)
    status, listed = await kept.ask("GET", mappings)
    assert (status, listed["_page"], listed["_links"]) == (200, {"count": 2, "limit": 2}, {})
    first, second = listed["data"]
    assert second == changed
    assert await kept.ask("DELETE", f"{mappings}/{first['id']}") == (204, None)
    _, shown = await kept.ask("GET", f"{SETS}/{name}")
    assert (shown["version"], shown["mappings"]) == (3, [changed])
    assert [len((await kept.ask("GET", f"{mappings}?version={n}"))[1]["data"]) for n in range(4)] == [1, 2, 2, 1]
    for method in ("GET", "PUT", "DELETE"):
        assert (await kept.ask(method, f"{mappings}/lost", {}))[0] == 404
    no_mappings: tuple[Any, ...] = ([], 1, None)
    for body in no_mappings:
        assert (await kept.ask("POST", mappings, body))[0] == 400
        assert (await kept.ask("PUT", f"{mappings}/{added['id']}", body))[0] == 400
    status, _ = await kept.ask("POST", f"{mappings}?validate=true", {"source": "a", "destination": "nowhere"})
    assert status == 400
    assert (await kept.ask("GET", f"{SETS}/{name}"))[1] == shown


def flow_on(name: str, version: int, kind: Kind = Kind.FLOW) -> Resource:
    """A flow that maps by a version of a set."""
    transformations = [{"name": "Mapping", "params": {"mappingId": name, "mappingVersion": version}}]
    fields = {"transformations": transformations, "sourceConnectionIds": [], "targetConnectionIds": ["none"]}
    return Resource(kind, str(UUID(int=version)), fields, Origin(1), Origin(1), "", "a.yaml")


@pytest.mark.parametrize("bound", ["MOST_VERSIONS", "MOST_BYTES"])
async def test_versions_are_bounded(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """Those that no flow names are forgotten, the oldest first; the latest stays."""
    kept = Kept()
    name = await made(kept, CURRENT)
    size = len(orjson.dumps(kept.register.objects.all(Kind.MAPPING_SET)[0].fields["versions"][0]))
    monkeypatch.setattr(versions, bound, 3 if bound == "MOST_VERSIONS" else size * 3 + 100)

    async def there(count: int) -> list[int]:
        return [n for n in range(count) if (await kept.ask("GET", f"{SETS}/{name}?version={n}"))[0] == 200]

    for _ in range(2):
        assert (await kept.ask("PUT", f"{SETS}/{name}", CURRENT))[0] == 200
    assert await there(4) == [0, 1, 2]
    kept = kept.beside(flow_on(name, 1), flow_on(name, 3), flow_on(name, 2, Kind.DELETED_FLOW), flow_on("other", 2))
    for _ in range(2):
        assert (await kept.ask("PUT", f"{SETS}/{name}", CURRENT))[0] == 200
    assert await there(6) == [1, 3, 4]
    kept = kept.beside(flow_on(name, 4))
    before = await kept.ask("GET", f"{SETS}/{name}")
    status, answer = await kept.ask("PUT", f"{SETS}/{name}", CURRENT)
    assert (status, "flows name too many" in answer["errorDetails"]) == (400, True)
    assert await kept.ask("GET", f"{SETS}/{name}") == before


async def test_the_target_schema_is_shown_on_demand() -> None:
    kept = Kept()
    name, lost = await made(kept, LEGACY), await made(kept, {**LEGACY, "xdmSchema": "lost"})
    _, shown = await kept.ask("GET", f"{SETS}/{name}?expandSchema=True")
    assert shown["outputSchema"]["jsonSchema"] == SCHEMA.document
    _, shown = await kept.ask("GET", f"{SETS}/{lost}?expandSchema=True")
    assert "jsonSchema" not in shown["outputSchema"]
    _, listed = await kept.ask("GET", f"{SETS}?expandSchema=true&limit=1")
    assert listed["data"][0]["outputSchema"]["jsonSchema"] == SCHEMA.document
    assert (await kept.ask("GET", f"{SETS}/{name}?expandSchema=maybe"))[0] == 400


async def test_sets_are_listed_a_page_at_a_time() -> None:
    kept = Kept()
    names = [await made(kept, {**CURRENT, "name": f"set {n % 3}", "n": n}) for n in range(5)]
    await kept.ask("PUT", f"{SETS}/{names[0]}", {**UPPER, "name": "x"})

    async def listed(query: str) -> list[str]:
        status, answer = await kept.ask("GET", f"{SETS}?{query}")
        assert (status, set(answer)) == (200, {"data", "_page", "_links"})
        assert answer["_page"]["count"] == len(answer["data"])
        return [each["id"] for each in answer["data"]]

    by_update = [*names[1:], names[0]]
    assert await listed("limit=100") == by_update
    assert await listed("limit=10&start=0&name=x&orderBy=lastUpdateDate") == [names[0]]
    assert await listed("orderBy=-lastUpdateDate") == by_update[::-1]
    assert await listed("orderBy=%2BcreatedDate") == names
    assert await listed("orderBy=+createdDate") == names
    assert await listed("orderBy=name") == [names[3], names[1], names[4], names[2], names[0]]
    assert await listed("limit=2&start=3") == by_update[3:5]
    assert await listed("start=9") == []
    assert await listed(f"property=xdmSchema=={SCHEMA_ID}&property=n>2") == [names[3], names[4]]
    for query in ("limit=0", "limit=x", "start=-1", "orderBy=magic", "orderBy=", "property=x"):
        assert (await kept.ask("GET", f"{SETS}?{query}"))[0] == 400

    seen: list[str] = []
    href = f"{SETS}?limit=2&orderBy=createdDate"
    while href:
        _, answer = await kept.ask("GET", href)
        seen += [each["id"] for each in answer["data"]]
        href = answer["_links"].get("next", {}).get("href", "")
    assert seen == names


async def test_a_page_of_large_sets_ends_early() -> None:
    kept = Kept(most_bytes=4 << 20)
    large = {**CURRENT, "description": "x" * (3 << 20)}
    names = [await made(kept, large) for _ in range(2)]
    _, answer = await kept.ask("GET", f"{SETS}?limit=100")
    assert ([each["id"] for each in answer["data"]], answer["_page"]) == (names[:1], {"count": 1, "limit": 100})
    _, answer = await kept.ask("GET", answer["_links"]["next"]["href"])
    assert ([each["id"] for each in answer["data"]], answer["_links"]) == (names[1:], {})


@pytest.mark.parametrize("mappings", [{"_id": "id"}, [{"sourceAttribute": "id", "destinationXdmPath": "_id", "x": 1}]])
async def test_declared_sets_are_seen_and_never_changed(mappings: Any) -> None:
    section = MappingSetSettings.model_validate(
        {"id": "raw", "version": 3, "schema": SCHEMA_ID, "allow_nulls": True, "mappings": mappings}
    )
    declared = declared_set(section, "source.yaml", 7)
    assert declared_set(section, "source.yaml", 8).etag == declared.etag
    assert declared_set(section.model_copy(update={"version": 4}), "source.yaml", 7).etag != declared.etag
    kept = Kept(declared)
    status, shown = await kept.ask("GET", f"{SETS}/raw?version=3")
    assert (status, shown["version"], shown["allowNullValues"], shown["xdmSchema"]) == (200, 3, True, SCHEMA_ID)
    [mapping] = shown["mappings"]
    assert (mapping["source"], mapping["destination"]) == ("id", "_id")
    assert (await kept.ask("GET", SETS))[1]["data"] == [shown]
    one = f"{SETS}/raw/mappings/{mapping['id']}"
    for method, path, body in (
        ("PUT", f"{SETS}/raw", CURRENT),
        ("DELETE", f"{SETS}/raw", None),
        ("POST", f"{SETS}/raw/mappings", FIRST_NAME),
        ("PUT", one, FIRST_NAME),
        ("DELETE", one, None),
    ):
        status, answer = await kept.ask(method, path, body)
        assert (status, "declared in source.yaml" in answer["errorDetails"]) == (400, True)
    assert (await kept.ask("GET", one)) == (200, mapping)


async def test_a_declared_mapping_has_the_types_that_clients_know() -> None:
    """In a configuration all values are texts."""
    mapping = {"sourceAttribute": "id", "destinationXdmPath": "_id", "identity": "false", "version": "0", "x": "1"}
    section = MappingSetSettings.model_validate({"id": "raw", "schema": SCHEMA_ID, "mappings": [mapping]})
    _, shown = await Kept(declared_set(section, "source.yaml", 7)).ask("GET", f"{SETS}/raw")
    [mapping] = shown["mappings"]
    assert [mapping[each] for each in ("identity", "version", "x")] == [False, 0, "1"]


async def test_what_the_state_cannot_keep_is_not_there() -> None:
    kept = Kept()
    kept.made.away = True
    assert (await kept.ask("POST", SETS, CURRENT))[0] == 503
    kept.made.away = False
    assert (await kept.ask("GET", SETS))[1]["data"] == []


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.sampled_from(["a", "_id", "upper(a)", "", "x[*]"])
)
JSON = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from("abc"), below, max_size=3)),
    max_leaves=8,
)
MAPPINGS = st.one_of(
    JSON,
    st.dictionaries(
        st.sampled_from(["source", "sourceAttribute", "destination", "destinationXdmPath", "sourceType", "id", "own"]),
        JSON,
    ),
)
BODIES = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {},
        optional={
            "mappings": st.one_of(JSON, st.lists(MAPPINGS, max_size=4)),
            "outputSchema": st.one_of(JSON, st.just(OUTPUT_SCHEMA), st.fixed_dictionaries({"schemaRef": JSON})),
            **dict.fromkeys(("xdmSchema", "xdmVersion", "version", "name", "id", "allowNullValues", "schema"), JSON),
            "xdmSchema": st.one_of(JSON, st.just("")),
        },
    ),
)


@given(st.lists(st.tuples(st.sampled_from(["set", "mapping", "new", "read", "delete"]), BODIES, MAPPINGS), max_size=8))
@settings(max_examples=200)
async def test_any_changes_are_kept_or_refused(changes: list[tuple[str, Any, Any]]) -> None:
    """Nothing is an exception; a change that is answered with 200 is the next version, and any other leaves none."""
    kept = Kept()
    name = await made(kept, CURRENT)
    for what, body, mapping in changes:
        _, before = await kept.ask("GET", f"{SETS}/{name}")
        ids = [each["id"] for each in before["mappings"]]
        assert len(set(ids)) == len(ids)
        one = ids[0] if ids else "none"
        if what == "set":
            status, _ = await kept.ask("PUT", f"{SETS}/{name}", body)
        elif what == "mapping":
            status, _ = await kept.ask("POST", f"{SETS}/{name}/mappings", mapping)
        elif what == "new":
            status, _ = await kept.ask("PUT", f"{SETS}/{name}/mappings/{one}", mapping)
        elif what == "read":
            status, _ = await kept.ask("PUT", f"{SETS}/{name}?validate=true", before)
        else:
            status, _ = await kept.ask("DELETE", f"{SETS}/{name}/mappings/{one}")
        _, after = await kept.ask("GET", f"{SETS}/{name}")
        if status in (200, 204):
            assert after["version"] == before["version"] + 1
            assert (await kept.ask("GET", f"{SETS}/{name}?version={before['version']}"))[1] == before
            schema = schema_of_mapping(after)
            assert (schema, schema != "") == (after.get("xdmSchema"), True)
            for each in after["mappings"]:
                assert each.get("source") == each.get("sourceAttribute")
                assert each.get("destination") == each.get("destinationXdmPath")
        else:
            assert status in (400, 404)
            assert after == before
        json.dumps(after)


async def test_no_version_is_larger_than_a_body_may_be() -> None:
    kept = Kept(most_bytes=10_000)
    name = await made(kept, CURRENT)
    long = {"sourceType": "STATIC", "source": "x" * 3_000, "destination": "b"}
    answers = [await kept.ask("POST", f"{SETS}/{name}/mappings", long) for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 200, 413]
    assert "more than the 10000 bytes of serve.max_body" in answers[-1][1]["errorDetails"]


async def test_what_answers_add_to_mappings_counts_for_nothing() -> None:
    many = [{"sourceType": "ATTRIBUTE", "source": "a", "destination": f"b.c{each}"} for each in range(100)]
    kept = Kept(most_bytes=len(orjson.dumps({**CURRENT, "mappings": many})) + 500)
    await made(kept, {**CURRENT, "mappings": many})
