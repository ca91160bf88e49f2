"""Runs and batches as documents: their numbers, how they stand, and ids and etags that mean something."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from exporter.source.profiles.tally import HOUR_MS, Part
from exporter.source.runs.batches import Batch
from exporter.source.runs.documents import run_document
from exporter.source.runs.ids import batch_id, hour_in, run_id
from exporter.source.runs.sums import Run, runs_in, sums_of

HOUR = 500_000 * HOUR_MS
PART = Part(HOUR, "f", "d", "applied", 3, 300, HOUR + 5, HOUR + 9, 60, 10, 30, HOUR + 40)
CREATED = replace(PART, outcome="created", records=2, bytes=0, waited=0)
UNCHANGED = replace(PART, outcome="unchanged", records=1, bytes=50, first=HOUR + 2, waited=40, slowest=40)
FAILED = replace(PART, outcome="xdm", records=2, bytes=70, last=HOUR + 12, waited=8, fastest=4, counted=HOUR + 50)
LATER = HOUR + HOUR_MS


def document(*parts: Part, now: int = LATER) -> dict[str, Any]:
    return run_document(Run(HOUR, "f", parts), {"sandboxName": "prod"}, now)


def test_a_run_is_the_sum_of_its_parts() -> None:
    found = document(PART, CREATED, UNCHANGED, FAILED, replace(FAILED, outcome="mapping", records=1, dataset="e"))
    mapping = "A value could not be mapped, and without it the record is not as its schema has it"
    failures = [("INGEST-1212-400", "The record is not as its schema has it", 2), ("MAPPER-3700-400", mapping, 1)]
    duration = {"startedAtUTC": HOUR, "completedAtUTC": HOUR + 50}
    size = {"inputBytes": 490, "outputBytes": 350}
    errors = [{"code": code, "message": words} for code, words, _ in failures]
    records = {
        "inputRecordCount": 9,
        "outputRecordCount": 6,
        "failedRecordCount": 3,
        "createdRecordCount": 2,
        "updatedRecordCount": 3,
        "failedInfo": [{"code": code, "message": words, "count": count} for code, words, count in failures],
    }
    [activity] = found["activities"]
    assert found == {
        "id": run_id(HOUR, "f"),
        "flowId": "f",
        "createdAt": HOUR,
        "updatedAt": HOUR + 50,
        "sandboxName": "prod",
        "metrics": {
            "durationSummary": duration,
            "sizeSummary": size,
            "recordSummary": records,
            "fileSummary": {},
            "statusSummary": {"status": "partialSuccess", "errors": errors, "activityRefs": [activity["id"]]},
        },
        "activities": [
            {
                "id": activity["id"],
                "name": "Promotion Activity",
                "durationSummary": duration,
                "latencySummary": {"minMs": 4, "maxMs": 40, "avgMs": 12},
                "sizeSummary": size,
                "recordSummary": records,
                "statusSummary": {"status": "partialSuccess", "errors": errors},
            }
        ],
        "etag": found["etag"],
        "version": found["etag"],
    }
    assert str(UUID(found["etag"].strip('"'))) == found["etag"].strip('"')
    assert str(UUID(activity["id"])) != found["id"]


@pytest.mark.parametrize(
    ("parts", "now", "status"),
    [
        ((PART, FAILED), LATER - 1, "processing"),
        ((PART, UNCHANGED), LATER, "success"),
        ((PART, FAILED), LATER, "partialSuccess"),
        ((FAILED,), LATER, "failed"),
    ],
)
def test_how_a_run_stands(parts: tuple[Part, ...], now: int, status: str) -> None:
    assert document(*parts, now=now)["metrics"]["statusSummary"]["status"] == status


def test_an_etag_is_of_the_numbers() -> None:
    assert document(PART)["etag"] == document(PART, now=LATER + 9)["etag"]
    etags = {document(*parts)["etag"] for parts in [(PART,), (UNCHANGED,), (PART, UNCHANGED), (PART, FAILED)]}
    assert len(etags) == 4


def test_ids_are_the_same_for_good_and_tell_the_hour() -> None:
    assert run_id(HOUR, "1f086c23-2ea8-4d06-886c-232ea8bd061d") == "01a3185c-5000-8d88-b437-2a8a73992f9b"
    assert batch_id(HOUR, "f", "d") == "01a3185c50008ccdb4191641c26578a3"
    ids = [run_id(hour, flow) for hour in (HOUR, LATER) for flow in "fg"] + [
        batch_id(HOUR, *names) for names in ("fd", "fe", "gd")
    ]
    assert len(set(ids)) == 7
    assert [hour_in(each) for each in ids] == [HOUR, HOUR, LATER, LATER, HOUR, HOUR, HOUR]
    assert hour_in("1584479347507:2153:240") is None
    assert UUID(ids[0]).variant == "specified in RFC 4122"


def test_parts_that_stand_together_are_a_run() -> None:
    other = replace(PART, flow="e")
    assert [(each.hour, each.flow, len(each.parts)) for each in runs_in([PART, FAILED, other])] == [
        (HOUR, "f", 2),
        (HOUR, "e", 1),
    ]
    two = Run(HOUR, "f", (PART, FAILED, replace(PART, dataset="e")))
    assert [(dataset, sums.input) for dataset, sums in two.by_dataset()] == [("d", 5), ("e", 3)]


def test_a_batch_has_what_clients_read() -> None:
    unknown = replace(FAILED, outcome="bug", records=1)
    more = replace(FAILED, outcome="dataset", records=1), replace(FAILED, outcome="too_large", records=3)
    batch = Batch(HOUR, "f", "d", sums_of([PART, FAILED, unknown, *more]))
    found = batch.document({"sandboxId": "s"})
    assert (found["status"], found["created"], found["sandboxId"]) == ("failed", HOUR, "s")
    assert found["relatedObjects"] == [{"type": "dataSet", "id": "d"}]
    assert found["tags"] == {"flowId": ["f"]}
    metrics = found["metrics"]
    assert [metrics[f"{each}RecordCount"] for each in ("input", "output", "failed")] == [10, 3, 7]
    assert {key: value for key, value in metrics.items() if key.startswith("invalid")} == {
        "invalidRecordCount": 7,
        "invalidRecordsStreamingValidation": 2,
        "invalidRecordsUnknown": 1,
        "invalidRecordsProfile": 4,
    }
    assert [(each["code"], each["recordCount"]) for each in found["errors"]] == [
        ("INGEST-1212-400", 2),
        ("PROFILE-1500-500", 1),
        ("PROFILE-1103-404", 1),
        ("PROFILE-1105-413", 3),
    ]
    assert Batch(HOUR, "", "d", batch.sums).document({})["tags"] == {}
