"""Flows: the way of records from source connections to a target connection, with a mapping set on it or without."""

from __future__ import annotations

from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.flow_service.description import SPEC, Description, shape_of
from exporter.source.control.flow_service.keeping import left
from exporter.source.control.flow_service.references import (
    Fields,
    connection_of,
    dataset_of,
    inlet_of,
    mapping_of,
    reference,
    schema_of_dataset,
    schema_of_mapping,
    version_of,
)
from exporter.source.control.flow_service.specs import PROFILE_STORE, WITH_TRANSFORMATION, WITHOUT_TRANSFORMATION
from exporter.source.control.flow_service.view import View
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.shapes import Shape

#: An answer says of each what it is, and on which connection it hangs.
_MOST_SOURCES: Final = 100
_IDS: Final[Shape] = {"type": "array", "minItems": 1, "items": {"type": "string"}}
_SHAPE: Final[Shape] = shape_of(
    {
        "flowSpec": SPEC,
        "sourceConnectionIds": {**_IDS, "maxItems": _MOST_SOURCES, "uniqueItems": True},
        "targetConnectionIds": {**_IDS, "maxItems": 1},
    },
    {"scheduleParams": {"type": "object", "description": "Kept, and without effect: records flow at once."}},
    {
        "transformations": {
            "type": "array",
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "params"],
                "properties": {
                    "name": {"enum": ["Mapping"]},
                    "params": {
                        "type": "object",
                        "required": ["mappingId", "mappingVersion"],
                        "properties": {
                            "mappingId": {"type": "string"},
                            "mappingVersion": {"type": "integer", "minimum": 0},
                        },
                    },
                },
            },
        },
    },
)


def flows() -> Description:
    """The description of flows."""
    return Description(
        Kind.FLOW,
        "Flow",
        "flow",
        _SHAPE,
        ("flowSpec", frozenset({WITHOUT_TRANSFORMATION, WITH_TRANSFORMATION})),
        lambda given, _: {"transformations": [], **given},
        _checked,
        _added,
        lambda _flow, _objects: None,
        derived=frozenset({"inheritedAttributes", "options", "runs", "providerRefId", "lastOperation"}),
        fixed=(("flowSpec",), ("sourceConnectionIds",), ("targetConnectionIds",)),
        switched=True,
        born_enabled=True,
        uncompiled="1419-400",
        left=(Kind.DELETED_FLOW, left),
    )


def _checked(fields: Fields, objects: Objects) -> Answer | None:
    for name in fields["sourceConnectionIds"]:
        source = objects.get(Kind.SOURCE_CONNECTION, name)
        if source is None or inlet_of(connection_of(objects, source.fields)) is None:
            return failed(400, "1400-400", f"sourceConnections not found with id = [{name[:64]}]")
    dataset = dataset_of(objects, fields)
    if dataset is None:
        target = fields["targetConnectionIds"][0]
        return failed(400, "1400-400", f"targetConnections not found with id = [{target[:64]}]")
    mapping = mapping_of(fields)
    if mapping is None:
        return None
    version = version_of(objects, mapping)
    if version is None:
        details = f"Invalid Mapping Version in request: there is no mapping set {mapping.id[:64]} v{mapping.version}."
        return failed(400, "1412-400", details)
    schema = schema_of_mapping(version)
    if schema in (None, schema_of_dataset(objects, dataset)):
        return None
    details = f"Error while matching schema in target dataset {dataset} with schema in mapping {mapping.id}."
    return failed(400, "1425-400", details)


def _added(flow: Resource, view: View) -> Fields:
    objects, fields = view.objects, flow.fields
    sources = [objects.get(Kind.SOURCE_CONNECTION, name) for name in fields["sourceConnectionIds"]]
    targets = [objects.get(Kind.TARGET_CONNECTION, name) for name in fields["targetConnectionIds"]]
    begins = [_beginning(each, objects) for each in sources if each is not None]
    inlets = (inlet_of(connection_of(objects, each.fields)) for each in sources if each is not None)
    inlet = next((each for each in inlets if each is not None), None)
    outward = any(each["connectionSpec"]["id"] == PROFILE_STORE for each in begins)
    return {
        "inheritedAttributes": {
            "properties": {"isDestinationFlow": True} if outward else {"isSourceFlow": True},
            "sourceConnections": begins,
            "targetConnections": [reference(each) for each in targets if each is not None],
        },
        "options": {} if inlet is None else {"inletUrl": view.inlet_url(inlet)},
        "runs": f"/runs?property=flowId=={flow.id}",
        "providerRefId": flow.id,
        "lastOperation": {
            "started": flow.updated.at,
            "updated": flow.updated.at,
            "operation": "enable" if fields["state"] == "enabled" else "disable",
        },
    }


def _beginning(source: Resource, objects: Objects) -> dict[str, Any]:
    base = connection_of(objects, source.fields)
    return {**reference(source), "baseConnection": {} if base is None else reference(base)}
