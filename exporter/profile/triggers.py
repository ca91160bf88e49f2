"""Decides whether a change is exported to a destination, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from exporter.profile.decision import Decision, Excluded, Fired, Trigger
from exporter.profile.document.fast_path import FastPath
from exporter.profile.document.segment_membership import compile_gate
from exporter.profile.document.wrong_types import unfit
from exporter.profile.event.change import Change
from exporter.profile.event.shapes import SegmentChange, Status
from exporter.profile.mapping import Mapping
from exporter.profile.paths import parse_path, touches, tree

#: The status before a change that does not say it.
UNKNOWN = msgspec.UNSET

#: The changes of status, before and after, by which a segment is entered or left (contract.md#triggers).
FIRES: frozenset[tuple[Status | msgspec.UnsetType | None, Status]] = frozenset(
    {
        (None, "realized"),
        (None, "existing"),
        ("exited", "realized"),
        ("exited", "existing"),
        (UNKNOWN, "realized"),
        ("realized", "exited"),
        ("existing", "exited"),
        (UNKNOWN, "exited"),
    }
)

_NO_TRIGGER = Excluded("no_trigger")
_SWITCHED_OFF = Excluded("switched_off")
_NOT_A_MEMBER = Excluded("not_a_member")
_OTHER_DESTINATION = Excluded("other_destination")
_SEGMENT_ONLY = Fired(("segment",))


def compile_triggers(mapping: Mapping, fast_path: FastPath | None = None) -> Callable[[Change], Decision]:
    """Compile the function from a change to the decision; ``fast_path`` is of the same mapping, if already compiled.

    The function returns ``Malformed`` where the gate needs a part of the profile that has a wrong type. The function
    looks into the profile only where a trigger other than ``segment`` fired.
    """
    segment_fires = _compile_segments(mapping)
    is_touched = _compile_attributes(mapping)
    is_member = _compile_gate(mapping, fast_path)
    segment_on, identity_on = "segment" in mapping.triggers, "identity" in mapping.triggers
    attribute_on, backfill_on = "attribute" in mapping.triggers, "backfill" in mapping.triggers

    def decide(change: Change) -> Decision:
        if change.destination is not None and change.destination != mapping.destination:
            return _OTHER_DESTINATION
        segment = bool(change.segments) and any(map(segment_fires, change.segments))
        identity = change.identities
        attribute = bool(change.attributes) and is_touched(change.attributes)
        if not (segment or identity or attribute or change.backfill):
            return _NO_TRIGGER
        segment = segment and segment_on
        gated: list[Trigger] = []
        if identity and identity_on:
            gated.append("identity")
        if attribute and attribute_on:
            gated.append("attribute")
        if change.backfill and backfill_on:
            gated.append("backfill")
        if not gated:
            return _SEGMENT_ONLY if segment else _SWITCHED_OFF
        try:
            passed = not mapping.require_membership or is_member(change.profile)
        except msgspec.ValidationError:
            return unfit(change)
        if passed:
            return Fired(("segment", *gated) if segment else tuple(gated))
        return _SEGMENT_ONLY if segment else _NOT_A_MEMBER

    return decide


def _compile_gate(mapping: Mapping, fast_path: FastPath | None) -> Callable[[bytes], bool]:
    plain = compile_gate(mapping)
    if fast_path is None:
        return plain
    is_member_fast = fast_path.is_member

    def is_member(profile: bytes) -> bool:
        member = is_member_fast(profile)
        return plain(profile) if member is None else member

    return is_member


def _compile_attributes(mapping: Mapping) -> Callable[[Sequence[str]], bool]:
    attributes = tree(mapping.attributes)

    def is_touched(written: Sequence[str]) -> bool:
        for path in written:  # noqa: SIM110 - any() of a generator costs twice as much, for each event
            if touches(attributes, parse_path(path)):
                return True
        return False

    return is_touched


def _compile_segments(mapping: Mapping) -> Callable[[SegmentChange], bool]:
    mapped: set[tuple[str | None, str]] = {(segment.namespace, segment.id) for segment in mapping.segments}
    mapped |= {(None, segment.id) for segment in mapping.segments if segment.namespace == "ups"}

    def fires(change: SegmentChange) -> bool:
        return (change.namespace, change.id) in mapped and (change.before, change.to) in FIRES

    return fires
