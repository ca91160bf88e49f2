"""Which flows use a mapping set, and in which versions."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.source.control.flow_service.references import mapping_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind


def users(objects: Objects, name: str) -> Iterator[tuple[str, int]]:
    """The ids of the flows that name a set, with the version that each names.

    A flow that was deleted while records of it wait is none of them: it has kept its version.
    """
    for flow in objects.all(Kind.FLOW):
        reference = mapping_of(flow.fields)
        if reference is not None and reference.id == name:
            yield flow.id, reference.version
