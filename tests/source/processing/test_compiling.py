"""Every mistake in what a configuration declares is told at its place."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from processing_parts import DECLARED, catalogue, compiled_of, declared

from exporter.source.dataprep.run import Bounds
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.compiling import Declared, Gone, compiled
from exporter.source.processing.kept import Kept
from exporter.source.settings.declared import FlowSettings
from exporter.source.xdm.identified import IdentityRules

FLOW = "1f086c23-2ea8-4d06-886c-232ea8bd061d"


def test_what_is_right_is_compiled() -> None:
    found = catalogue()
    assert {name: flow.mapping is not None for name, flow in found.flows.items()} == {
        "raw": True,
        "plain": False,
        "upserts": True,
    }
    assert {dataset.id: (dataset.upsert, dataset.profile) for dataset in found.datasets.values()} == {
        "d": (False, True),
        "upserts": (True, True),
        "aside": (False, False),
    }


@pytest.mark.parametrize(
    ("at", "value", "place", "reason"),
    [
        (("datasets", 0, "schema"), "x", ("datasets", 0, "schema"), "there is no schema"),
        (("datasets", 1, "id"), "d", ("datasets", 1, "id"), "stands in the list already"),
        (("mappings", 0, "schema"), "x", ("mappings", 0, "schema"), "there is no schema"),
        (("mappings", 0, "mappings", "n"), "split(n, ,,", ("mappings", 0, "mappings", "n"), "is no expression"),
        (("mappings", 0, "mappings", "n"), "nothing(n)", ("mappings", 0, "mappings", "n"), "unknown function"),
        (("schemas", 0, "fields", "n"), "whole", ("schemas", 0, "fields", "n"), ""),
        (("schemas", 0, "groups"), ["people"], ("schemas", 0, "groups", 0), ""),
        (("sources", 0, "datasets"), ["x"], ("sources", 0, "datasets", 0), "there is no dataset"),
        (("sources", 0, "flows", 0, "dataset"), "x", ("sources", 0, "flows", 0, "dataset"), "there is no dataset"),
        (("sources", 0, "flows", 0, "mapping"), "x", ("sources", 0, "flows", 0, "mapping"), "there is no mapping set"),
    ],
)
def test_a_mistake_has_its_place(at: tuple[str | int, ...], value: object, place: tuple[Any, ...], reason: str) -> None:
    document = deepcopy(DECLARED)
    target: Any = document
    for step in at[:-1]:
        target = target[step]
    target[at[-1]] = value
    found = compiled_of(document)
    assert isinstance(found, tuple)
    assert [mistake.at for mistake in found if reason in mistake.reason] == [place]


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "crm"), ("inlet", "a" * 64), *((key, FLOW) for key in ("connection_id", "source_connection_id"))],
)
def test_two_sources_share_neither_name_nor_inlet_nor_connection(key: str, value: str) -> None:
    """One of them would go without its records."""
    document = deepcopy(DECLARED)
    document["sources"][0][key] = value
    document["sources"].append({"name": "second", "flows": [], key: value})
    found = compiled_of(document)
    assert isinstance(found, tuple)
    assert [mistake.at for mistake in found] == [("sources", 1, key)]
    assert "a" * 64 not in found[0].reason


def test_target_connections_are_of_datasets_and_have_ids_of_their_own() -> None:
    document = deepcopy(DECLARED)
    document["sources"][0]["target_connections"] = {"d": FLOW, "lost": "0" + FLOW[1:]}
    document["sources"].append({"name": "second", "flows": [], "target_connections": {"d": FLOW}})
    found = compiled_of(document)
    assert isinstance(found, tuple)
    assert [mistake.at for mistake in found] == [
        ("sources", 0, "target_connections", "lost"),
        ("sources", 1, "target_connections", "d"),
    ]


def test_what_is_the_same_is_compiled_once() -> None:
    kept = Kept()

    def catalogue_of(document: dict[str, Any]) -> Catalogue:
        found = compiled_of(document, kept)
        assert isinstance(found, Catalogue)
        kept.forget()
        return found

    first, second = catalogue_of(DECLARED), catalogue_of(DECLARED)
    assert first.datasets["d"].schema is second.datasets["d"].schema
    mapped = [
        next(flow.mapping for flow in each.flows.values() if flow.mapping is not None) for each in (first, second)
    ]
    assert mapped[0] is mapped[1]
    document = deepcopy(DECLARED)
    document["schemas"][0]["fields"]["more"] = "string"
    changed = catalogue_of(document)
    assert changed.datasets["d"].schema is not first.datasets["d"].schema
    assert mapped[0] not in [flow.mapping for flow in changed.flows.values()], "its schema is another"
    # What is not there any more is forgotten, and refused sections stand in nobody's way.
    catalogue_of({"schemas": [], "datasets": [], "mappings": [], "sources": []})
    assert catalogue_of(document).datasets["d"].schema is not changed.datasets["d"].schema
    again = catalogue_of(document)
    document["mappings"][0]["mappings"] = {"none": "name"}
    assert isinstance(compiled_of(document, kept), tuple)
    document["mappings"] = deepcopy(DECLARED["mappings"])
    assert catalogue_of(document).flows == again.flows


def test_a_mapping_set_made_by_api_may_come_before_the_field_group_that_it_maps_to() -> None:
    """Clients make both in either order; a slip of the pen is refused all the same."""
    document = deepcopy(DECLARED)
    document["mappings"][0]["mappings"] = {"person.name.firstName": "name"}
    assert isinstance(compiled_of(document), tuple)
    assert isinstance(compiled_of(document, made=frozenset({"m"})), Catalogue)
    for path in ("person.name.fristName", "persona.name", "key.more"):
        document["mappings"][0]["mappings"] = {path: "name"}
        assert isinstance(compiled_of(document, made=frozenset({"m"})), tuple), path


def test_a_flow_that_is_gone_goes_by_what_it_kept_and_refuses_nothing() -> None:
    """Of what it led to anything may be gone or be another by now."""
    there = declared(DECLARED)
    mapping, dataset = there.mappings[0], there.datasets[0]
    flow = FlowSettings(id=FLOW, name="gone", dataset=dataset.id, mapping=mapping.id)
    whole = Gone(flow, there.schemas, [dataset], [mapping])

    def compiled_with(gone: Gone, sections: Declared) -> Catalogue:
        found = compiled(replace(sections, gone=[gone]), {}, IdentityRules(), Bounds(1000, 1.0))
        assert isinstance(found, Catalogue)
        return found

    nothing = Declared()
    catalogue = compiled_with(whole, nothing)
    assert catalogue.flows[FLOW].mapping is not None
    assert catalogue.datasets[dataset.id].schema.id == there.schemas[0].id
    assert catalogue.schemas == {}
    assert FLOW in compiled_with(Gone(flow), replace(there, sources=())).flows
    second = "2" + FLOW[1:]
    lost = Gone(flow.model_copy(update={"id": second}), mappings=[mapping])
    both = compiled(Declared(gone=[lost, whole]), {}, IdentityRules(), Bounds(1000, 1.0))
    assert isinstance(both, Catalogue)
    assert set(both.flows) == {FLOW}, "what the first lacks stands in no other's way"
    other = there.schemas[0].model_copy(update={"fields": {"other": "string"}, "identities": ()})
    for lacking, sections in (
        (Gone(flow), nothing),
        (replace(whole, schemas=()), nothing),
        (replace(whole, datasets=()), nothing),
        (replace(whole, mappings=()), nothing),
        (whole, Declared(schemas=[other])),
    ):
        assert FLOW not in compiled_with(lacking, sections).flows


def test_a_flow_may_hang_on_two_inlets_and_says_the_same_on_both() -> None:
    document = deepcopy(DECLARED)
    flow = {"id": FLOW, "name": "both", "dataset": "d"}
    document["sources"][0]["flows"] = [flow]
    document["sources"].append({"name": "second", "flows": [flow]})
    assert isinstance(compiled_of(document), Catalogue)
    document["sources"][1]["flows"] = [flow | {"dataset": "upserts"}]
    found = compiled_of(document)
    assert isinstance(found, tuple)
    assert [mistake.at for mistake in found] == [("sources", 1, "flows", 0, "id")]


def test_a_mapping_set_maps_to_the_schema_of_the_dataset() -> None:
    document = deepcopy(DECLARED)
    document["schemas"].append(document["schemas"][0] | {"id": "other"})
    document["datasets"][0]["schema"] = "other"
    found = compiled_of(document)
    assert isinstance(found, tuple)
    assert [mistake.at for mistake in found] == [("sources", 0, "flows", 0, "mapping")]
