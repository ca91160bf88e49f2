"""The memberships that a record tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exporter.profile.event.times import moment
from exporter.source.records import Membership
from exporter.source.xdm.validation.json_values import text_of
from exporter.source.xdm.validation.pointers import below
from exporter.source.xdm.validation.violation import Violation

STATUSES = ("realized", "existing", "exited")
_AT = "#/segmentMembership"


@dataclass(frozen=True, slots=True)
class MembershipsRefused:
    """A record that is bad because of what it says of segments."""

    violation: Violation


def memberships_of(entity: Any, taken: int) -> tuple[Membership, ...] | MembershipsRefused:
    """The entries of an entity's ``segmentMembership``, in order, whether or not the entity was found valid.

    Namespaces and ids come out as they came. An entry without ``lastQualificationTime`` counts from ``taken``, epoch
    milliseconds; that time is read in all variants of event times, and a time that can't be read is refused, since it
    decides which of two entries is newer. Never raises.
    """
    given = entity.get("segmentMembership") if isinstance(entity, dict) else None
    if given is None:
        return ()
    if not isinstance(given, dict):
        return _refused(_AT, "is no object of namespaces", "type")
    found: list[Membership] = []
    for namespace, segments in given.items():
        if segments is None:
            continue
        here = below(_AT, namespace)
        if not isinstance(segments, dict):
            return _refused(here, "is no object of segments", "type")
        for segment, entry in segments.items():
            membership = _membership(namespace, segment, entry, taken, below(here, segment))
            if isinstance(membership, MembershipsRefused):
                return membership
            found.append(membership)
    return tuple(found)


def _membership(namespace: str, segment: str, entry: Any, taken: int, at: str) -> Membership | MembershipsRefused:
    if not isinstance(entry, dict):
        return _refused(at, "is no object", "type")
    if "status" not in entry:
        return _refused(at, "required key [status] not found", "required")
    status = entry["status"]
    if status not in STATUSES:
        return _refused(below(at, "status"), f"{text_of(status)} is not a valid enum value", "enum")
    time = entry.get("lastQualificationTime")
    since = taken if time is None else _milliseconds(time)
    if since is None:
        return _refused(below(at, "lastQualificationTime"), f"[{text_of(time)}] is not a valid date-time", "format")
    return Membership(namespace, segment, status, since, entry)


def _milliseconds(time: Any) -> int | None:
    if isinstance(time, bool) or not isinstance(time, str | int | float):
        return None
    seconds = moment(time)
    return None if seconds is None else round(seconds * 1000)


def _refused(pointer: str, message: str, keyword: str) -> MembershipsRefused:
    return MembershipsRefused(Violation(pointer, message, keyword, "#"))
