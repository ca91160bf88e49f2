"""From settings to objects and back: what is declared is shown, what was made comes to sources."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from flow_service_parts import (
    AT,
    CONNECTION,
    DATASET,
    DATASETS,
    FILE,
    FLOW,
    HTTP_SPEC,
    IDS,
    INLET,
    MADE_MAPPING,
    MAPPING,
    MAPPINGS,
    OLDER_CONNECTION,
    OLDER_INLET,
    ORG,
    OTHER_DATASET,
    RAW_FLOW,
    SCHEMA,
    SOURCE_CONNECTION,
    SOURCES,
    TARGET_CONNECTION,
    URL,
    Service,
    connection,
    flow,
    mapping,
    source_connection,
)

from exporter.sections.matching import SHORT_NAME
from exporter.source.control.assembling import Assembled, assembled
from exporter.source.control.flow_service.declared import declared_resources
from exporter.source.control.flow_service.destinations import ShownDestination, destination_resources
from exporter.source.control.flow_service.sources import sources_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind
from exporter.source.processing.compiling import Declared
from exporter.source.processing.kept import Kept
from exporter.source.processing.planes import Ids, plane_of
from exporter.source.settings.serve import Serve

NOBODY = Ids({}, {}, {})


def declared() -> Objects:
    return Objects(declared_resources(SOURCES, DATASETS, MAPPINGS, IDS, FILE, AT))


def test_an_entry_is_a_connection_a_source_connection_target_connections_and_flows() -> None:
    objects = declared()
    assert [each.id for each in objects.all(Kind.CONNECTION)] == [CONNECTION, OLDER_CONNECTION]
    sources = objects.all(Kind.SOURCE_CONNECTION)
    assert [(each.fields["baseConnectionId"]) for each in sources] == [CONNECTION, OLDER_CONNECTION]
    assert sources[0].id == SOURCE_CONNECTION
    targets = {each.id: each.fields["params"]["dataSetId"] for each in objects.all(Kind.TARGET_CONNECTION)}
    assert targets[TARGET_CONNECTION] == DATASET
    assert sorted(targets.values()) == sorted([DATASET, OTHER_DATASET, DATASET])
    plain, raw = objects.all(Kind.FLOW)
    assert (plain.id, plain.fields["transformations"]) == (FLOW, [])
    # A flow of two sources is one flow.
    assert raw.id == RAW_FLOW
    assert raw.fields["sourceConnectionIds"] == [each.id for each in sources]
    assert raw.fields["targetConnectionIds"] == [TARGET_CONNECTION]
    assert raw.fields["transformations"] == [{"name": "Mapping", "params": {"mappingId": MAPPING, "mappingVersion": 0}}]
    assert {each.declared for each in objects} == {FILE}


def test_ids_and_etags_of_what_is_declared_stay() -> None:
    assert list(declared()) == list(declared())


async def test_what_is_declared_is_shown_as_what_is_made() -> None:
    service = Service()
    shown = await service.shown("connections", CONNECTION)
    made = await service.shown("connections", await service.create("connections", connection()))
    assert set(shown) == set(made)
    assert set(shown["auth"]["params"]) == set(made["auth"]["params"])
    assert shown["auth"]["params"]["inletUrl"] == f"{URL}/collection/{INLET}"
    older = await service.shown("connections", OLDER_CONNECTION)
    assert older["auth"]["params"]["authenticationRequired"] is True
    by_flow = await service.shown("flows", FLOW)
    assert set(by_flow) == set(await service.shown("flows", await service.create("flows", flow())))
    (target,) = by_flow["targetConnectionIds"]
    assert (await service.shown("targetConnections", target))["data"]["schema"]["id"] == SCHEMA


def test_without_anything_made_the_sources_are_those_of_the_configuration() -> None:
    found = sources_of(declared(), SOURCES, IDS)
    assert (found.sources, found.ids, found.disabled, found.deleted) == (SOURCES, IDS, frozenset(), {})


async def test_what_was_made_comes_to_sources() -> None:
    service = Service()
    one = await service.create("connections", connection(name="ACME  Streaming (raw)"))
    auth = {"specName": "Streaming Connection", "params": {"authenticationRequired": True}}
    other = await service.create("connections", connection(name="…", auth=auth))
    sources = [await service.create("sourceConnections", source_connection(base)) for base in (one, other, one)]
    both = await service.create("flows", flow(*sources, name="both", transformations=mapping(version=1)))
    on_declared = await service.create("flows", flow(SOURCE_CONNECTION, name="more", transformations=mapping(MAPPING)))
    gone = await service.create("flows", flow(SOURCE_CONNECTION, name="gone"))
    await service.ask("DELETE", f"/flows/{gone}")
    await service.ask("POST", f"/connections/{other}/action", query="op=disable")
    await service.ask("POST", f"/flows/{both}/action", query="op=disable")

    found = sources_of(service.register.objects, SOURCES, IDS)
    acme, older, made, empty = found.sources
    assert [each.name for each in found.sources] == [
        "acme",
        "older",
        f"acme-streaming-raw-{one[:8]}",
        f"source-{other[:8]}",
    ]
    assert acme.flows[:2] == SOURCES[0].flows
    assert [(each.id, each.name, each.mapping) for each in acme.flows[2:]] == [(on_declared, "more", MAPPING)]
    assert older == SOURCES[1]
    assert (made.connection_id, made.authentication, empty.authentication) == (one, False, True)
    # Once, although two of its source connections hang on one connection; the same wherever it hangs.
    assert made.flows == empty.flows
    (section,) = made.flows
    assert section.model_dump() == {
        "id": both,
        "name": "both",
        "dataset": DATASET,
        "mapping": f"{MADE_MAPPING}/1",
        "enabled": False,
    }
    assert found.ids.inlets[made.name] == made.inlet
    assert found.ids.inlets["older"] == OLDER_INLET
    assert found.ids.flows == {
        **IDS.flows,
        ("acme", 2): on_declared,
        (made.name, 0): both,
        (empty.name, 0): both,
    }
    assert found.disabled == {empty.name}
    assert {name: each.dataset for name, each in found.deleted.items()} == {gone: DATASET}

    # A connection that is declared no more has no inlet; what it took is still processed.
    left = sources_of(service.register.objects, SOURCES[1:], IDS)
    assert [each.name for each in left.sources] == ["older", made.name, empty.name]
    assert set(left.deleted) == {gone, on_declared}

    plane = plane_of(Serve(), found.sources, DATASETS, found.ids, found.disabled)
    assert [plane.inlets[found.ids.inlets[each.name]].enabled for each in found.sources] == [True, True, True, False]
    inlet = plane.inlets[INLET]
    assert inlet.flow(on_declared) is not None


async def test_a_change_makes_only_what_it_touches() -> None:
    service, kept = Service(), Kept()
    flows = []
    for name in ("changed", "same"):
        base = await service.create("connections", connection(name=name))
        begins = await service.create("sourceConnections", source_connection(base))
        flows.append(await service.create("flows", flow(begins, name=name, transformations=mapping())))

    def made() -> tuple[Any, ...]:
        """The sources of both connections, their inlets, and the mapping set."""
        declared = Declared(datasets=DATASETS, mappings=MAPPINGS, sources=SOURCES)
        whole = assembled(declared, IDS, service.register.objects, kept)
        assert isinstance(whole, Assembled)
        plane = plane_of(Serve(), whole.declared.sources, DATASETS, whole.ids, kept=kept)
        kept.forget()
        sources = whole.declared.sources[-2:]
        return *sources, *(plane.inlets[whole.ids.inlets[each.name]] for each in sources), whole.declared.mappings[-1]

    before = made()
    await service.ask("POST", f"/flows/{flows[0]}/action", query="op=disable")
    assert [one is other for one, other in zip(before, made(), strict=True)] == [False, True, False, True, True]


@pytest.mark.parametrize("name", ["a" * 1000, "…", "-.-", "Ä/ö", "acme", "\u0000", "東京"])
async def test_names_of_sources_are_short_and_none_comes_twice(name: str) -> None:
    service = Service()
    ids = [await service.create("connections", connection(name=name)) for _ in range(3)]
    sources = sources_of(service.register.objects, (), NOBODY).sources
    assert all(re.fullmatch(SHORT_NAME.pattern, each.name) for each in sources)
    assert [each.connection_id for each in sources] == ids
    taken = SOURCES[0].model_copy(update={"name": sources[0].name})
    known = Ids({taken.name: INLET}, {taken.name: CONNECTION}, {(taken.name, 0): FLOW, (taken.name, 1): RAW_FLOW})
    names = [each.name for each in sources_of(service.register.objects, [taken], known).sources]
    assert len(set(names)) == 4
    assert names[1].endswith(f"-{ids[0]}")
    assert all(re.fullmatch(SHORT_NAME.pattern, each) for each in names)


async def test_destinations_are_flows_to_read() -> None:
    service = Service()
    endpoint = "https://user:secret@partner.example.com/profiles?key=secret"
    shown = ShownDestination("crm", "ours", endpoint, False, ["person.name"], [("s-1", "First")])
    resources = list(destination_resources([shown], ORG, FILE, AT))
    assert resources == list(destination_resources([shown], ORG, FILE, AT))
    service.register._objects = service.register.objects.put(*resources)
    query: Any = [("property", "inheritedAttributes.properties.isDestinationFlow==true")]
    answer = await service.ask("GET", "/flows", query=query)
    assert b"secret" not in answer.body
    (found,) = orjson.loads(answer.body)["items"]
    assert (found["name"], found["description"], found["state"]) == ("crm", "ours", "disabled")
    params = found["transformations"][0]["params"]
    assert params["profileSelectors"]["selectors"][0]["value"]["path"] == "person.name"
    assert params["segmentSelectors"]["selectors"][0]["value"]["id"] == "s-1"
    assert found["inheritedAttributes"]["sourceConnections"][0]["connectionSpec"]["id"].startswith("8a9c3494")
    source = await service.shown("sourceConnections", found["sourceConnectionIds"][0])
    assert source["inheritedAttributes"]["baseConnection"]["connectionSpec"]["id"].startswith("8a9c3494")
    target = await service.shown("targetConnections", found["targetConnectionIds"][0])
    assert target["params"] == {"endpoint": "https://partner.example.com/profiles"}
    for spec in (source, target):
        assert (await service.ask("GET", f"/connectionSpecs/{spec['connectionSpec']['id']}")).status == 200
    assert (await service.ask("GET", f"/flowSpecs/{found['flowSpec']['id']}")).status == 200
    for each in orjson.loads((await service.ask("GET", "/connections")).body)["items"]:
        assert (await service.ask("GET", f"/connections/{each['id']}/test")).status == 200
    # Nobody streams to a destination, nor makes a source connection of it.
    for base in (each.id for each in resources if each.kind is Kind.CONNECTION):
        assert (await service.ask("POST", "/sourceConnections", source_connection(base))).status == 400
    for ends in (each.id for each in resources if each.kind is Kind.TARGET_CONNECTION):
        assert (await service.ask("POST", "/flows", flow(target=ends))).status == 400
    assert sources_of(service.register.objects, SOURCES, IDS).sources == SOURCES
    assert found["inheritedAttributes"]["properties"] == {"isDestinationFlow": True}
    assert found["sourceConnectionIds"] != [HTTP_SPEC["id"]]
