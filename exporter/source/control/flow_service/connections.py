"""Connections: each has an inlet, to which records are posted."""

from __future__ import annotations

from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.flow_service.description import SPEC, Description, shape_of
from exporter.source.control.flow_service.references import Fields, flows_of_connection, ids_of, inlet_of
from exporter.source.control.flow_service.specs import AUTHENTICATION, HTTP_API
from exporter.source.control.flow_service.view import View
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.shapes import Shape

_SHAPE: Final[Shape] = shape_of(
    {
        "connectionSpec": SPEC,
        "auth": {
            "type": "object",
            "required": ["specName", "params"],
            "properties": {
                "specName": {"type": "string"},
                "params": {
                    "type": "object",
                    "properties": {
                        "sourceId": {"type": "string"},
                        "name": {"type": "string"},
                        "dataType": {"enum": ["xdm", "raw"]},
                        "authenticationRequired": {"type": "boolean"},
                    },
                },
            },
        },
    },
    {},
)


def connections() -> Description:
    """The description of connections."""
    return Description(
        Kind.CONNECTION,
        "Connection",
        "connection",
        _SHAPE,
        ("connectionSpec", frozenset({HTTP_API})),
        _completed,
        _checked,
        _added,
        _held,
        fixed=(("auth", "specName"), ("auth", "params", "inletId"), ("auth", "params", "inletUrl")),
        switched=True,
        tested=True,
    )


def _completed(given: dict[str, Any], inlet: str) -> dict[str, Any]:
    auth = given["auth"]
    named = {"sourceId": given["name"], "name": given["name"], "dataType": "raw", "authenticationRequired": False}
    params = {**named, **auth["params"], "inletId": inlet}
    params.pop("inletUrl", None)
    return {**given, "auth": {**auth, "params": params}}


def _checked(fields: Fields, _: Objects) -> Answer | None:
    name = fields["auth"]["specName"]
    if name == AUTHENTICATION:
        return None
    spec = fields["connectionSpec"]["id"]
    details = f"The auth spec '{name[:64]}' could not be found for the connection spec ID {spec}."
    return failed(400, "1415-400", details)


def _added(resource: Resource, view: View) -> Fields:
    inlet = inlet_of(resource)
    if inlet is None:
        return {}
    auth = resource.fields["auth"]
    return {"auth": {**auth, "params": {**auth["params"], "inletUrl": view.inlet_url(inlet)}}}


def _held(resource: Resource, objects: Objects) -> Answer | None:
    flows = ids_of(flows_of_connection(objects, resource.id))
    details = (
        f"The base connection with the ID {resource.id} cannot be deleted because it is being used in one or more"
        f" flows. Delete these flows before: {flows}"
    )
    return failed(400, "1418-400", details) if flows else None
