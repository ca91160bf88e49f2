"""A change of a profile: the content of an event, for every dataflow."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exporter.profile.event.shapes import SegmentChange


class Change(msgspec.Struct, frozen=True):
    """A change of a profile, as far as every dataflow needs to know (contract.md#the-event).

    ``occurred_at`` is in epoch seconds; ``odd_time`` says that the event gives a time that cannot be read. ``joined``
    are the ids of profiles that this profile has absorbed. ``profile`` is the profile's JSON object as raw bytes, not
    yet decoded. Where the event has halves of surrogate pairs, ``stand_in`` stands in ``profile`` for each half
    (``exporter.profile.event.lone_surrogates``).
    """

    id: str | None
    profile_id: str
    occurred_at: float | None
    destination: str | None
    segments: Sequence[SegmentChange]
    identities: bool
    attributes: Sequence[str]
    backfill: bool
    profile: bytes
    odd_time: bool = False
    joined: Sequence[str] = ()
    stand_in: str | None = None

    def __repr__(self) -> str:
        return f"Change(id={self.id!r}, profile_id={self.profile_id!r})"
