"""The document of a run, as the Flow Service shows it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from exporter.source.runs.ids import activity_id, run_id
from exporter.source.runs.reasons import reason_of
from exporter.source.runs.sums import Run, Sums, sums_of


def status_of(run: Run, sums: Sums, now: int) -> str:
    """How a run stands at ``now``, in epoch milliseconds."""
    if run.is_open(now):
        return "processing"
    if not sums.failures:
        return "success"
    return "partialSuccess" if sums.output else "failed"


def run_document(run: Run, of_flow: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The document at ``now``, in epoch milliseconds; ``of_flow`` is what else it says of its flow."""
    sums = sums_of(run.parts)
    activity = activity_id(run.hour, run.flow)
    failed = [(*reason_of(each)[:2], count) for each, count in sums.failed.items()]
    errors = [{"code": code, "message": words} for code, words, _ in failed]
    status = {"status": status_of(run, sums, now), "errors": errors}
    metrics = {
        "durationSummary": {"startedAtUTC": run.hour, "completedAtUTC": sums.counted},
        "sizeSummary": {"inputBytes": sums.input_bytes, "outputBytes": sums.output_bytes},
        "recordSummary": {
            "inputRecordCount": sums.input,
            "outputRecordCount": sums.output,
            "failedRecordCount": sums.failures,
            "createdRecordCount": sums.created,
            "updatedRecordCount": sums.updated,
            "failedInfo": [{"code": code, "message": words, "count": count} for code, words, count in failed],
        },
    }
    latency = {"minMs": sums.fastest, "maxMs": sums.slowest, "avgMs": sums.average}
    document = {
        "id": run_id(run.hour, run.flow),
        "flowId": run.flow,
        "createdAt": run.hour,
        "updatedAt": sums.counted,
        **of_flow,
        "metrics": {**metrics, "fileSummary": {}, "statusSummary": {**status, "activityRefs": [activity]}},
        "activities": [
            {
                "id": activity,
                "name": "Promotion Activity",
                **metrics,
                "latencySummary": latency,
                "statusSummary": status,
            }
        ],
    }
    etag = UUID(bytes=sha256(orjson.dumps(document)).digest()[:16])
    return {**document, "etag": f'"{etag}"', "version": f'"{etag}"'}
