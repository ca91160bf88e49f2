"""What the Flow Service answers with, as shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from exporter.source.control.objects.resource import Kind
from exporter.source.control.shapes import (
    ETAG,
    FREE,
    LINKS,
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Shape,
    array,
    fields,
    named,
    texts,
)

_SPEC: Final = named("SpecReference", fields(texts("id"), texts("version")))
_REFERENCE: Final = named(
    "ConnectionReference",
    fields({"id": TEXT, "connectionSpec": _SPEC}, {"baseConnection": {"type": "object"}}),
)
_STATE: Final[Shape] = {"enum": ["enabled", "disabled"]}
#: What all objects have.
_COMMON: Final[Mapping[str, Shape]] = {
    **texts("id", "name", "description"),
    "state": _STATE,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    **texts("createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId", "sandboxName", "imsOrgId"),
    "version": ETAG,
    "etag": ETAG,
}
_PARAMS: Final = fields(
    {**texts("sourceId", "name", "inletId", "inletUrl"), "dataType": {"enum": ["xdm", "raw"]}},
    {"authenticationRequired": TRUTH},
)
_MAPPING: Final = fields({"name": TEXT, "params": FREE})
_INHERITED: Final = fields({}, {"baseConnection": _REFERENCE})
#: Each kind of object, as it is shown.
SHOWN: Final[Mapping[Kind, Shape]] = {
    Kind.CONNECTION: named(
        "Connection",
        fields({**_COMMON, "connectionSpec": _SPEC}, {"auth": fields({"specName": TEXT, "params": _PARAMS})}),
    ),
    Kind.SOURCE_CONNECTION: named(
        "SourceConnection",
        fields(
            {
                **_COMMON,
                "connectionSpec": _SPEC,
                "baseConnectionId": TEXT,
                "params": fields({}, texts("inletId", "inletUrl")),
                "inheritedAttributes": _INHERITED,
            },
            {"data": FREE},
        ),
    ),
    Kind.TARGET_CONNECTION: named(
        "TargetConnection",
        fields(
            {
                **_COMMON,
                "connectionSpec": _SPEC,
                "params": fields({}, texts("dataSetId", "endpoint")),
                "data": FREE,
                "inheritedAttributes": _INHERITED,
            },
            texts("baseConnectionId"),
        ),
    ),
    Kind.FLOW: named(
        "Flow",
        fields(
            {
                **_COMMON,
                "flowSpec": _SPEC,
                "sourceConnectionIds": array(TEXT),
                "targetConnectionIds": array(TEXT),
                "transformations": array(_MAPPING),
                "inheritedAttributes": fields(
                    {
                        "properties": fields({}, {"isSourceFlow": TRUTH, "isDestinationFlow": TRUTH}),
                        "sourceConnections": array(_REFERENCE),
                        "targetConnections": array(_REFERENCE),
                    }
                ),
                "options": fields({}, texts("inletUrl")),
                "runs": {"type": "string", "description": "Where the runs of the flow are, relative to the service."},
                "providerRefId": TEXT,
                "lastOperation": fields({"started": MOMENT, "updated": MOMENT, "operation": TEXT}),
            },
            {"scheduleParams": FREE},
        ),
    ),
}
CONNECTION_SPEC: Final = named(
    "ConnectionSpec",
    fields({**texts("id", "name", "providerId", "version", "type"), "attributes": FREE}, {"authSpec": array(FREE)}),
)
FLOW_SPEC: Final = named(
    "FlowSpec",
    fields(
        {
            **texts("id", "name", "providerId", "version"),
            "sourceConnectionSpecIds": array(TEXT),
            "targetConnectionSpecIds": array(TEXT),
            "transformationSpecs": array(FREE),
        }
    ),
)
_CODED: Final = fields(texts("code", "message"))
_SUMMARIES: Final[Mapping[str, Shape]] = {
    "durationSummary": fields({"startedAtUTC": MOMENT, "completedAtUTC": MOMENT}),
    "sizeSummary": fields({"inputBytes": WHOLE, "outputBytes": WHOLE}),
    "recordSummary": fields(
        {
            "inputRecordCount": WHOLE,
            "outputRecordCount": WHOLE,
            "failedRecordCount": WHOLE,
            "createdRecordCount": WHOLE,
            "updatedRecordCount": WHOLE,
            "failedInfo": array(fields({**texts("code", "message"), "count": WHOLE})),
        }
    ),
    "statusSummary": fields(
        {"status": {"enum": ["processing", "success", "partialSuccess", "failed"]}, "errors": array(_CODED)}
    ),
}
RUN: Final = named(
    "Run",
    fields(
        {
            **texts("id", "flowId", "imsOrgId", "sandboxId", "sandboxName"),
            "createdAt": MOMENT,
            "updatedAt": MOMENT,
            "etag": ETAG,
            "version": ETAG,
            "metrics": fields(_SUMMARIES),
            "activities": array(
                fields(
                    {
                        **texts("id", "name"),
                        **_SUMMARIES,
                        "latencySummary": fields({"minMs": WHOLE, "maxMs": WHOLE, "avgMs": WHOLE}),
                    }
                )
            ),
        },
        {"flowSpec": _SPEC, "providerRefId": TEXT},
    ),
)
MARKS: Final = named("Marks", fields({"id": TEXT, "etag": ETAG}))
TESTED: Final = fields({"result": TRUTH})
_COUNT: Final = named("Count", fields({"count": WHOLE}))


def one(shape: Shape) -> Mapping[int, Shape]:
    """The answer that shows one."""
    return {200: fields({"items": {**array(shape), "minItems": 1, "maxItems": 1}})}


def many(shape: Shape) -> Mapping[int, Shape]:
    """The answer that shows a page of them, or how many there are."""
    page: dict[str, Any] = {**fields({"items": array(shape), "_links": LINKS})}
    return {200: {"anyOf": [page, _COUNT]}}
