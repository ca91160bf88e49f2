"""Which flows use a mapping set, and in which versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind


def users(objects: Objects, name: str) -> Iterator[str]:
    """The ids of the flows that name a set."""
    for flow, _ in _uses(objects, name):
        yield flow


def named_versions(objects: Objects, name: str) -> frozenset[int]:
    """The versions of a set that flows name."""
    versions = (params.get("mappingVersion", 0) for _, params in _uses(objects, name))
    return frozenset(version for version in versions if isinstance(version, int))


def _uses(objects: Objects, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each flow that names a set, with what it says of it."""
    for flow in objects.all(Kind.FLOW):
        transformations = flow.fields.get("transformations")
        for each in transformations if isinstance(transformations, list) else ():
            params = each.get("params") if isinstance(each, dict) else None
            if isinstance(params, dict) and params.get("mappingId") == name:
                yield flow.id, params
