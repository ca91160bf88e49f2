"""Which objects of the way in there are, declared and made by API, as ``/status`` tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.source.control.flow_service.references import inlet_of
from exporter.source.control.flow_service.specs import PROFILES_TO_DESTINATION
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource

_KINDS: Final = {
    "connections": Kind.CONNECTION,
    "flows": Kind.FLOW,
    "mapping_sets": Kind.MAPPING_SET,
    "datasets": Kind.DATASET,
    "schemas": Kind.SCHEMA,
}


def counted(objects: Objects) -> dict[str, dict[str, int]]:
    """How many there are of each kind, ``declared`` and ``made``."""
    found: dict[str, dict[str, int]] = {}
    for word, kind in _KINDS.items():
        declared = [each.declared is not None for each in objects.all(kind) if _is_of_the_way_in(each)]
        found[word] = {"declared": sum(declared), "made": len(declared) - sum(declared)}
    return found


def told_flows(objects: Objects) -> Sequence[Mapping[str, Any]]:
    """Each flow of records, the declared ones first."""
    return [
        {
            "id": each.id,
            "name": each.fields["name"],
            "enabled": each.fields["state"] == "enabled",
            "made": each.declared is None,
        }
        for each in objects.all(Kind.FLOW)
        if _is_of_the_way_in(each)
    ]


def _is_of_the_way_in(resource: Resource) -> bool:
    """Destinations are shown as connections and flows, too."""
    if resource.kind is Kind.FLOW:
        return bool(resource.fields["flowSpec"]["id"] != PROFILES_TO_DESTINATION)
    return resource.kind is not Kind.CONNECTION or inlet_of(resource) is not None
