"""Target connections: what a flow ends at; each names a dataset."""

from __future__ import annotations

from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.flow_service.description import SPEC, Description, shape_of
from exporter.source.control.flow_service.references import (
    Fields,
    connection_of,
    flows_to_target,
    ids_of,
    reference,
    schema_of_dataset,
)
from exporter.source.control.flow_service.specs import DATA_LAKE
from exporter.source.control.flow_service.view import View
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.shapes import TEXT, Shape, fields, texts

_SHAPE: Final[Shape] = shape_of(
    {"connectionSpec": SPEC, "params": fields(texts("dataSetId"), texts("endpoint"))},
    {
        "baseConnectionId": TEXT,
        "data": {
            "type": "object",
            "properties": {
                "format": {"type": ["string", "null"]},
                "schema": {
                    "type": ["object", "null"],
                    "properties": {"id": {"type": ["string", "null"]}, "version": {"type": ["string", "null"]}},
                },
            },
        },
    },
)


def target_connections() -> Description:
    """The description of target connections."""
    return Description(
        Kind.TARGET_CONNECTION,
        "TargetConnection",
        "target connection",
        _SHAPE,
        ("connectionSpec", frozenset({DATA_LAKE})),
        _completed,
        _checked,
        _added,
        _held,
        derived=frozenset({"state", "inheritedAttributes"}),
        fixed=(("params", "dataSetId"), ("data", "schema")),
    )


def _completed(given: dict[str, Any], _: str) -> dict[str, Any]:
    return {**given, "data": given.get("data", {})}


def _checked(fields: Fields, objects: Objects) -> Answer | None:
    dataset = fields["params"]["dataSetId"]
    if objects.get(Kind.DATASET, dataset) is None:
        return failed(400, "1400-400", f"dataSets not found with id = [{dataset[:64]}]")
    named = (fields.get("data", {}).get("schema") or {}).get("id")
    schema = schema_of_dataset(objects, dataset)
    if named is None or named == schema:
        return None
    details = f"Error while matching schema in target dataset {schema} with schema in target connection {named[:256]}."
    return failed(400, "1425-400", details)


def _added(resource: Resource, view: View) -> Fields:
    base = connection_of(view.objects, resource.fields)
    return {"inheritedAttributes": {} if base is None else {"baseConnection": reference(base)}}


def _held(resource: Resource, objects: Objects) -> Answer | None:
    flows = ids_of(flows_to_target(objects, resource.id))
    return failed(400, "1447-400", f"Found active flows containing id {resource.id}: {flows}") if flows else None
