"""Puts mappings, events and profiles together for the tests of the pure core."""

from __future__ import annotations

import json
from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Any, get_args

from exporter.profile.decision import Decision, Trigger
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.mapping import MappedSegment, Mapping
from exporter.profile.paths import parse_path
from exporter.profile.triggers import compile_triggers

MIB = 1024 * 1024
EXAMPLES = Path(__file__).parent / "examples"


def segments(*ids: str, namespace: str = "ups") -> tuple[MappedSegment, ...]:
    return tuple(MappedSegment(namespace, segment_id) for segment_id in ids)


def mapping(*ids: str, attributes: tuple[str, ...] = (), off: Collection[Trigger] = (), **given: Any) -> Mapping:
    """A mapping of these segments of ``ups`` and these attributes, written as paths; the rest is as by default."""
    defaults: dict[str, Any] = {
        "destination": "crm",
        "segments": segments(*ids),
        "attributes": tuple(parse_path(text) for text in attributes),
        "segment_membership": "all",
        "identity_fields": ("id",),
        "include_segment_names": False,
        "include_segment_timestamps": False,
        "require_membership": True,
        "triggers": frozenset(get_args(Trigger)) - set(off),
    }
    return Mapping(**defaults | given)


def event(
    changes: MappingOf[str, Any] | None = None, profile: MappingOf[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {"id": "e-1", "profileId": "p-1", "changes": changes or {}, "profile": profile or {}, **more}


def change(body: bytes | MappingOf[str, Any]) -> Change:
    """What a sound event says."""
    found = read(body if isinstance(body, bytes) else json.dumps(body).encode(), MIB)
    assert isinstance(found, Change), found
    return found


def decide(mapped: Mapping, body: bytes | MappingOf[str, Any]) -> Decision:
    return compile_triggers(mapped)(change(body))


def built(mapped: Mapping, body: bytes | MappingOf[str, Any]) -> bytes:
    """The document of a change that can be sent."""
    document = compile_payload(mapped)(change(body))
    assert isinstance(document, bytes), document
    return document


def member(*ids: str, status: str = "realized", namespace: str = "ups") -> dict[str, Any]:
    """A profile that is in these segments and has nothing else."""
    entries = {segment_id: {"lastQualificationTime": "2026-11-20T10:15:00Z", "status": status} for segment_id in ids}
    return {"segmentMembership": {namespace: entries}}


def mapping_of(given: MappingOf[str, Any]) -> Mapping:
    """The mapping of an example's ``destination`` and catalogue."""
    catalogue = {segment["id"]: segment for segment in given["segments"]}
    destination = given["destination"]
    mapped = []
    for entry in destination["segments"]:
        entry = {"id": entry} if isinstance(entry, str) else entry
        known = catalogue.get(entry["id"], {})
        mapped.append(
            MappedSegment(
                "ups",
                entry["id"],
                *(known.get(key) for key in ("name", "created_at", "updated_at")),
                *(entry.get(key) for key in ("mapping_created_at", "mapping_updated_at")),
            )
        )
    return mapping(
        destination="example",
        segments=tuple(mapped),
        attributes=tuple(destination["attributes"]),
        include_segment_names=destination.get("include_segment_names", False),
        include_segment_timestamps=destination.get("include_segment_timestamps", False),
    )
