"""What a taken record comes to: a record for the store, a bad record, or nothing for profiles."""

from __future__ import annotations

from typing import Any

import pytest
from processing_parts import CHANCES, DECLARED, catalogue, compiled_of, taken

from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.dataprep.outcomes import OUT_OF_TIME
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examined import Aside, Bad, Chances, Good
from exporter.source.processing.examining import examine
from exporter.source.records import ArrayUpsert, Operation, Record, UpsertKind

CATALOGUE = catalogue()


def good(record: TakenRecord) -> Record:
    found = examine(record, CATALOGUE, CHANCES)
    assert isinstance(found, Good), found
    return found.record


def bad(record: TakenRecord) -> Bad:
    found = examine(record, CATALOGUE, CHANCES)
    assert isinstance(found, Bad), found
    # A sender that waits must not take it for good, and is told in one shape, whatever is wrong.
    assert {"schemaLocation", "pointerToViolation", "causingExceptions", "message"} <= set(found.told[0].as_report())
    return found


def wrapped(operations: object) -> dict[str, Any]:
    return {"header": {"flowId": "raw", "operations": operations}, "body": {"id": "k", "n": 1}}


def test_a_raw_record_is_mapped() -> None:
    record = good(taken({"id": "k", "n": "7", "tags": ["a"]}))
    assert record.entity == {"key": "k", "n": 7, "tags": ["a"]}
    assert (record.operation, record.links) == (Operation.CREATE, True)
    assert (record.primary.namespace, record.primary.id) == ("key", "k")


def test_xdm_needs_no_mapping_and_its_parts_go_apart() -> None:
    entity = {
        "key": "k",
        "segmentMembership": {"ups": {"s": {"status": "realized"}}},
        "identityMap": {"Email": [{"id": "a@b.example"}]},
    }
    body = {"header": {"schemaRef": {"id": "s"}}, "body": {"xdmMeta": {}, "xdmEntity": entity}}
    record = good(taken(body, flow="", form=Form.XDM, at=5))
    assert record.entity == {"key": "k"}
    assert [(each.id, each.status, each.since) for each in record.memberships] == [("s", "realized", 5)]
    assert [each.namespace for each in record.identities] == ["key", "email"]


def test_an_upsert_merges_its_arrays_by_their_rule_and_links_nothing() -> None:
    record = good(taken({"id": "k", "tags": ["a"]}, flow="upserts", dataset="upserts"))
    assert record.entity["tags"] == ArrayUpsert(UpsertKind.APPEND, ("a",))
    assert (record.operation, record.links) == (Operation.MERGE, False)


@pytest.mark.parametrize(
    ("operations", "operation", "links"),
    [
        ({"data": "merge"}, Operation.MERGE, False),
        ({"data": "merge", "identity": "create", "identityDatasetId": "x"}, Operation.MERGE, True),
        ({"data": "merge", "identity": "create", "identityDatasetId": "aside"}, Operation.MERGE, True),
        ({"data": "delete"}, Operation.DELETE, True),
        ({}, Operation.CREATE, True),
    ],
)
def test_the_header_says_what_is_done(operations: object, operation: Operation, links: bool) -> None:
    record = good(taken(wrapped(operations), form=Form.WRAPPED))
    assert (record.operation, record.links) == (operation, links)


@pytest.mark.parametrize(
    "operations",
    [
        *("merge", ["merge"], {"data": "upsert"}, {"data": 1}, {"identity": "merge"}, {"identity": "create"}),
        *({"identity": "create", "identityDatasetId": "d"}, {"identity": "create", "identityDatasetId": 1}),
        {"identity": "create", "identityDatasetId": "upserts"},
    ],
)
def test_an_operation_that_is_none_makes_a_record_bad(operations: object) -> None:
    assert bad(taken(wrapped(operations), form=Form.WRAPPED)).reason == "operation"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (taken({"id": "k"}, dataset="gone"), "dataset"),
        (taken({"id": "k"}, flow="gone"), "flow_deleted"),
        (taken({"id": "k"}, flow="plain"), "mapping"),
        (taken({"n": 1}), "no_primary_identity"),
        (taken({"header": {}, "body": {"xdmEntity": {"key": "k", "n": 1.5}}}, flow="", form=Form.XDM), "xdm"),
        (
            taken(
                {"header": {}, "body": {"xdmEntity": {"key": "k", "segmentMembership": {"ups": {"s": {}}}}}},
                flow="",
                form=Form.XDM,
            ),
            "xdm",
        ),
    ],
)
def test_a_record_is_bad_for_a_reason(record: TakenRecord, reason: str) -> None:
    assert bad(record).reason == reason


def test_a_null_removes_where_a_record_merges_and_is_no_value_elsewhere() -> None:
    def said(operation: str, **entity: object) -> TakenRecord:
        header = {"schemaRef": {"id": "s"}, "operations": {"data": operation}}
        return taken({"header": header, "body": {"xdmEntity": entity}}, flow="", form=Form.XDM)

    assert good(said("merge", key="k", n=None)).entity == {"key": "k", "n": None}
    assert bad(said("create", key="k", n=None)).reason == "xdm"
    for entity in ({"n": 1.5, "tags": None}, {"n": None, "tags": [None]}, {"more": None, "n": "x"}):
        assert bad(said("merge", key="k", **entity)).reason == "xdm"


@pytest.mark.parametrize(
    ("operation", "entity"), [("create", {"key": "k"}), ("merge", {"key": "k", "n": None, "tags": None})]
)
def test_nulls_that_a_mapping_writes_pass_the_schema(operation: str, entity: dict[str, Any]) -> None:
    document = {**DECLARED, "mappings": [{**DECLARED["mappings"][0], "allow_nulls": True}]}
    compiled = compiled_of(document)
    assert isinstance(compiled, Catalogue)
    body = {"header": {"flowId": "raw", "operations": {"data": operation}}, "body": {"id": "k"}}
    found = examine(taken(body, form=Form.WRAPPED), compiled, CHANCES)
    assert isinstance(found, Good), found
    assert found.record.entity == entity


def test_what_a_mapping_had_no_time_or_room_for_is_no_part_of_a_record() -> None:
    found = bad(taken({"id": "k", "n": 1, "tags": ["x" * 100_001]}))
    assert (found.reason, found.detail) == ("mapping", "the record's result is larger than 100000 bytes")
    assert found.identity is not None
    assert found.identity.id == "k", "a deletion of the profile finds it"
    readings = iter([0.0])
    out_of_time = examine(
        taken({"id": "k", "tags": ["a"]}), CATALOGUE, Chances(CHANCES.random, lambda: next(readings, 2.0))
    )
    assert isinstance(out_of_time, Bad)
    assert (out_of_time.reason, out_of_time.detail) == ("mapping", OUT_OF_TIME)


def test_a_mapping_that_has_no_value_is_told_beside_the_record() -> None:
    found = examine(taken({"id": "k", "n": "many"}), CATALOGUE, CHANCES)
    assert isinstance(found, Good)
    assert [error.destination for error in found.errors] == ["n"]


def test_a_dataset_that_is_none_of_profiles_changes_none() -> None:
    body = {"header": {}, "body": {"xdmEntity": {"key": "k"}}}
    assert examine(taken(body, flow="", dataset="aside", form=Form.XDM), CATALOGUE, CHANCES) == Aside()
