"""What a destination takes from a profile: segments, attributes and switches, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exporter.profile.decision import Trigger
from exporter.profile.paths import Path

SegmentMembership = Literal["all", "mapped"]


@dataclass(frozen=True, slots=True)
class MappedSegment:
    """A segment that is mapped to a destination, with the name and the times.

    ``namespace`` and ``id`` are opaque and compared exactly (contract.md#the-event). ``name``, ``created_at`` and
    ``updated_at`` come from the catalogue, the two mapping times from the configuration or from when the
    mapping was first seen; all times in epoch milliseconds, None where unknown.
    """

    namespace: str
    id: str
    name: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    mapping_created_at: int | None = None
    mapping_updated_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """All that deciding and building need to know of a destination (contract.md#triggers, contract.md#the-request).

    ``attributes`` are parsed paths (``exporter.profile.paths``) in the order of the configuration; paths may overlap.
    ``triggers`` may export, the others are switched off. Nothing has a default, so that no setting is forgotten on the
    way from the configuration.
    """

    destination: str
    segments: tuple[MappedSegment, ...]
    attributes: tuple[Path, ...]
    segment_membership: SegmentMembership
    identity_fields: tuple[str, ...]
    include_segment_names: bool
    include_segment_timestamps: bool
    require_membership: bool
    triggers: frozenset[Trigger]
