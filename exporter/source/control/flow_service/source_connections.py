"""Source connections: what a flow begins at; each hangs on a connection."""

from __future__ import annotations

from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.flow_service.description import SPEC, Description, shape_of
from exporter.source.control.flow_service.references import (
    Fields,
    connection_of,
    flows_of_source,
    ids_of,
    inlet_of,
    reference,
)
from exporter.source.control.flow_service.specs import HTTP_API
from exporter.source.control.flow_service.view import View
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.shapes import Shape, fields, texts

_SHAPE: Final[Shape] = shape_of(
    {"connectionSpec": SPEC},
    {
        "baseConnectionId": {"type": "string", "description": "Also: connectionId."},
        "connectionId": {"type": "string"},
        "data": {"type": "object"},
        "params": fields({}, texts("inletId", "inletUrl")),
    },
)


def source_connections() -> Description:
    """The description of source connections."""
    return Description(
        Kind.SOURCE_CONNECTION,
        "SourceConnection",
        "source connection",
        _SHAPE,
        ("connectionSpec", frozenset({HTTP_API})),
        _completed,
        _checked,
        _added,
        _held,
        derived=frozenset({"state", "inheritedAttributes"}),
        fixed=(("baseConnectionId",), ("connectionId",)),
    )


def _completed(given: dict[str, Any], _: str) -> dict[str, Any]:
    base = given.pop("connectionId", None)
    return {**given, "baseConnectionId": given.get("baseConnectionId", base), "params": given.get("params", {})}


def _checked(fields: Fields, objects: Objects) -> Answer | None:
    if inlet_of(connection_of(objects, fields)) is not None:
        return None
    base = str(fields.get("baseConnectionId", ""))[:64]
    return failed(400, "1400-400", f"connections not found with id = [{base}]")


def _added(resource: Resource, view: View) -> Fields:
    base = connection_of(view.objects, resource.fields)
    inlet = inlet_of(base)
    params = dict(resource.fields.get("params", {}))
    if inlet is not None:
        params |= {"inletId": inlet, "inletUrl": view.inlet_url(inlet)}
    inherited = {} if base is None else {"baseConnection": reference(base)}
    return {"params": params, "inheritedAttributes": inherited}


def _held(resource: Resource, objects: Objects) -> Answer | None:
    flows = ids_of(flows_of_source(objects, resource.id))
    return failed(400, "1447-400", f"Found active flows containing id {resource.id}: {flows}") if flows else None
