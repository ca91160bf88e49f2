"""The part ``segmentMembership``: whether a profile is a member, and the part of the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from exporter.profile.mapping import MappedSegment, Mapping

#: The statuses of a member.
MEMBER = frozenset(("realized", "existing"))


class Entry(msgspec.Struct, rename="camel", gc=False):
    """A membership. Status and time are passed on unchanged (contract.md#the-event)."""

    last_qualification_time: str | None = None
    status: str | None = None


#: Namespace to segment id to membership; null means absent.
Memberships: TypeAlias = dict[str, dict[str, Entry | None] | None]


class _Profile(msgspec.Struct, rename={"memberships": "segmentMembership"}):
    memberships: Memberships | None = None


_PROFILE = msgspec.json.Decoder(_Profile)
_MEMBERSHIPS: msgspec.json.Decoder[Memberships | None] = msgspec.json.Decoder(Memberships | None)


def mapped_segments(mapping: Mapping) -> dict[str, dict[str, dict[str, Any]]]:
    """The mapped segments by namespace and id, each with the fields that switches add to the membership."""
    mapped: dict[str, dict[str, dict[str, Any]]] = {}
    for segment in mapping.segments:
        mapped.setdefault(segment.namespace, {})[segment.id] = _added(mapping, segment)
    return mapped


def sends_all_unchanged(mapping: Mapping) -> bool:
    """Whether every membership is sent, and none with added fields."""
    return mapping.segment_membership == "all" and not any(_added(mapping, segment) for segment in mapping.segments)


def compile_gate(mapping: Mapping) -> Callable[[bytes], bool]:
    """Compile the gate: whether a profile, given as JSON, is in at least one mapped segment (contract.md#triggers).

    The function raises ``msgspec.ValidationError`` for a wrong type in ``segmentMembership``.
    """
    mapped = mapped_segments(mapping)

    def is_member(profile: bytes) -> bool:
        for namespace, entries in (_PROFILE.decode(profile).memberships or {}).items():
            ids = mapped.get(namespace)
            if ids is None or entries is None:
                continue
            for segment_id, entry in entries.items():
                if segment_id in ids and entry is not None and entry.status in MEMBER:
                    return True
        return False

    return is_member


def compile_memberships(mapping: Mapping) -> Callable[[msgspec.Raw], dict[str, Any]]:
    """Compile the function from ``segmentMembership`` to the part, ``{}`` for nothing (contract.md#the-request).

    The function takes JSON, and raises ``msgspec.ValidationError`` for a wrong type.
    """
    mapped = mapped_segments(mapping)
    only_mapped = mapping.segment_membership == "mapped"
    plain = sends_all_unchanged(mapping)
    unmapped: dict[str, dict[str, Any]] = {}

    def send(raw: msgspec.Raw) -> dict[str, Any]:
        sent: dict[str, Any] = {}
        for namespace, entries in (_MEMBERSHIPS.decode(raw) or {}).items():
            if not entries:
                continue
            extras = mapped.get(namespace, unmapped)
            out: dict[str, Any] = {}
            for segment_id, entry in entries.items():
                if entry is None:
                    continue
                fields = _fields(entry)
                if not plain:
                    if segment_id in extras:
                        fields |= extras[segment_id]
                    elif only_mapped:
                        continue
                if fields:
                    out[segment_id] = fields
            if out:
                sent[namespace] = out
        return sent

    return send


def _fields(entry: Entry) -> dict[str, Any]:
    time, status = entry.last_qualification_time, entry.status
    if time is not None and status is not None:
        return {"lastQualificationTime": time, "status": status}
    if time is not None:
        return {"lastQualificationTime": time}
    return {} if status is None else {"status": status}


def _added(mapping: Mapping, segment: MappedSegment) -> dict[str, Any]:
    """What the switches add to the entry of a mapped segment, in the order of Adobe's samples."""
    fields: dict[str, Any] = {}
    if mapping.include_segment_timestamps:
        fields |= {
            "createdAt": segment.created_at,
            "updatedAt": segment.updated_at,
            "mappingCreatedAt": segment.mapping_created_at,
            "mappingUpdatedAt": segment.mapping_updated_at,
        }
    if mapping.include_segment_names:
        fields["name"] = segment.name
    return {name: value for name, value in fields.items() if value is not None}
