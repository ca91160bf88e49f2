"""Whatever a client sends, the answer is one of those that are documented, and what stands can be shown."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from flow_service_parts import (
    CONNECTION,
    DATASET,
    DATASETS,
    FLOW,
    HTTP_SPEC,
    IDS,
    LAKE_SPEC,
    MADE_MAPPING,
    MAPPED_SPEC,
    MAPPINGS,
    OTHER_DATASET,
    PLAIN_SPEC,
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
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.control.assembling import Assembled, assembled
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import made_before
from exporter.source.processing.compiling import Declared
from exporter.source.processing.kept import Kept
from exporter.source.processing.planes import plane_of
from exporter.source.settings.serve import Serve

KINDS = ("connections", "sourceConnections", "targetConnections", "flows")
BODIES: dict[str, dict[str, Any]] = {
    "connections": connection(),
    "sourceConnections": source_connection(),
    "targetConnections": target_connection(data={"schema": {"id": None}}),
    "flows": flow(transformations=mapping()),
}
WORDS = (
    *("name", "description", "state", "connectionSpec", "flowSpec", "auth", "params", "specName", "dataType"),
    *("inletId", "authenticationRequired", "baseConnectionId", "connectionId", "dataSetId", "data", "schema", "id"),
    *("version", "sourceConnectionIds", "targetConnectionIds", "transformations", "mappingId", "mappingVersion"),
    *("etag", "providerId"),
)
VALUES = (
    *("enabled", "disabled", "Mapping", "Streaming Connection", "xdm", "", "\u0000", "ü" * 50, "enable"),
    *(CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION, FLOW, DATASET, OTHER_DATASET, MADE_MAPPING),
    *(HTTP_SPEC, LAKE_SPEC, PLAIN_SPEC, MAPPED_SPEC, mapping(), mapping(version=1), [SOURCE_CONNECTION]),
)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5) | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed_bodies(draw: st.DrawFn, kind: str) -> Any:
    """A good body, something of which is another."""
    body: dict[str, Any] = orjson.loads(orjson.dumps(BODIES[kind]))
    for _ in range(draw(st.integers(0, 2))):
        place: Any = body
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from([*place, draw(st.sampled_from(WORDS))]))
            below = place.get(name)
            if isinstance(below, dict) and below and draw(st.booleans()):
                place = below
                continue
            if draw(st.booleans()):
                place[name] = draw(json_values)
            else:
                place.pop(name, None)
            break
    return body


#: Where something stands, or may stand, of which kind whatever.
PLACES = (
    *("/name", "/description", "/state", "/labels", "/auth/params/dataType", "/auth/params/authenticationRequired"),
    *("/auth/params/x", "/auth/params", "/params/x", "/data", "/data/format", "/transformations", "/transformations/0"),
    *("/transformations/0/params/mappingVersion", "/transformations/-", "/scheduleParams", "/sourceConnectionIds/0"),
)


def operations() -> st.SearchStrategy[Any]:
    steps = st.lists(st.sampled_from([*WORDS, "0", "-", "", "~1"]), min_size=1, max_size=3)
    pointers = st.sampled_from(PLACES) | steps.map(lambda words: "".join(f"/{word}" for word in words))
    values = st.sampled_from(["new", True, 1, "xdm", {}, *mapping(), *mapping(version=1), mapping()]) | json_values
    return st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "Replace", "remove"]), "path": pointers, "value": values}
    )


def patches() -> st.SearchStrategy[Any]:
    return st.lists(operations() | json_values, min_size=1, max_size=2) | json_values


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, str, Any, Any]:
    """Method, kind, what comes after the id (None: no id), body, query."""
    kind = draw(st.sampled_from(KINDS))
    query = draw(st.lists(st.tuples(st.sampled_from(["op", "property", "limit", "if-match"]), st.text(max_size=5))))
    what = draw(st.sampled_from(["create", "patch", "patch", "action", "delete"]))
    if what == "create":
        return "POST", kind, what, draw(changed_bodies(kind) | json_values), query
    if what == "patch":
        return "PATCH", kind, what, draw(patches()), query
    if what == "action":
        kind = draw(st.sampled_from(["connections", "flows"]))
        return "POST", kind, what, None, [("op", draw(st.sampled_from(["enable", "Disable", "x"])))]
    return "DELETE", kind, what, None, query


def assert_remembered(objects: Objects, kept: Kept) -> None:
    """What was made before changes nothing of what objects come to."""
    declared = Declared(datasets=DATASETS, mappings=MAPPINGS, sources=SOURCES)
    whole, afresh = (assembled(declared, IDS, objects, each) for each in (kept, None))
    assert whole == afresh
    assert isinstance(whole, Assembled)
    sections = Serve(), whole.declared.sources, whole.declared.datasets, whole.ids, whole.disabled
    assert plane_of(*sections, kept) == plane_of(*sections)
    kept.forget()


async def _replay(asked: Any, order: Any) -> None:
    service = Service()
    known: dict[str, list[str]] = {
        "connections": [CONNECTION],
        "sourceConnections": [SOURCE_CONNECTION],
        "targetConnections": [TARGET_CONNECTION],
        "flows": [FLOW],
    }
    for kind in KINDS:
        known[kind].append(await service.create(kind, BODIES[kind]))
    memory = Kept()
    for number, (method, kind, what, body, query) in enumerate(asked):
        # The last one was made by API.
        name = known[kind][-1 - order[number % len(order)] % len(known[kind])]
        headers: dict[str, str] = {}
        path = f"/{kind}" if what == "create" else f"/{kind}/{name}" + ("/action" if what == "action" else "")
        shown = await service.ask("GET", f"/{kind}/{name}")
        if what == "patch" and shown.status == 200:
            headers = {"if-match": orjson.loads(shown.body)["items"][0]["etag"]}
        answer = await service.ask(method, path, body, query=query, headers=headers)
        if answer.status in (200, 201):
            marks = orjson.loads(answer.body)
            assert set(marks) == {"id", "etag"}
            if answer.status == 201:
                known[kind].append(marks["id"])
        elif answer.status != 204:
            assert error(answer)[0] in (400, 404, 405, 412, 422)
        assert_remembered(service.register.objects, memory)
    for kind in KINDS:
        answer = await service.ask("GET", f"/{kind}", query="limit=100")
        for item in orjson.loads(answer.body)["items"]:
            assert (await service.shown(kind, item["id"])) == item
    kept = Objects(await made_before(service.made))
    assert {(each.kind, each.id): each for each in kept} == {
        (each.kind, each.id): each
        for each in service.register.objects
        if each.declared is None and each.kind != "mappingSets"
    }


@settings(max_examples=60)
@given(st.lists(requests(), max_size=8), st.lists(st.integers(0, 20), min_size=1, max_size=8))
def test_any_requests_in_any_order(asked: Any, order: Any) -> None:
    asyncio.run(_replay(asked, order))


@settings(max_examples=30)
@given(st.sampled_from(KINDS), st.binary(max_size=30), st.sampled_from(["POST", "PATCH"]))
def test_any_bytes(kind: str, raw: bytes, method: str) -> None:
    async def ask() -> None:
        service = Service()
        name = await service.create(kind, BODIES[kind])
        etag = (await service.shown(kind, name))["etag"]
        path = f"/{kind}" if method == "POST" else f"/{kind}/{name}"
        answer = await service.ask(method, path, raw=raw, headers={"if-match": etag})
        assert error(answer)[0] == 400

    asyncio.run(ask())
