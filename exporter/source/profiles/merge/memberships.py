"""Memberships, which have a clock of their own: the time of qualification (``lastQualificationTime``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from exporter.source.profiles.merge.change import SegmentChange
from exporter.source.profiles.merge.profile import EXITED, Member, Members, Profile
from exporter.source.profiles.merge.stamps import Stamp, newer
from exporter.source.profiles.merge.times import instant, text_of
from exporter.source.records import Membership

#: How long an exit is kept, in milliseconds: 30 days.
EXITED_KEPT_MS = 30 * 86_400_000


def heeded(profile: Profile, memberships: Sequence[Membership], stamp: Stamp) -> Members:
    """The members after a record: an entry overwrites what is there unless the entry qualified earlier.

    A time of qualification that is later than ``stamp`` counts as that: else nothing could overwrite the entry for
    years.
    """
    members = profile.members
    if not memberships:
        return members
    copied: Members = dict(members)
    for each in memberships:
        mine = copied.get(each.namespace, {})
        held = mine.get(each.id)
        entry = {"lastQualificationTime": text_of(each.since), **each.entry, "status": each.status}
        member = Member(each.status, min(each.since, stamp[0]), stamp, entry)
        if follows(member, held) if held is not None else stamp[0] > profile.exits_dropped:
            copied[each.namespace] = {**mine, each.id: member}
    return copied


def follows(one: Member, other: Member) -> bool:
    """Whether ``one`` overwrites ``other``: a later time of qualification, or at the same time not an older write.

    What was told and what has lapsed go by their writes alone: any later news ends a lapse.
    """
    if one.lapsed is other.lapsed and one.since != other.since:
        return one.since > other.since
    return not newer(other.stamp, one.stamp)


def dropped(members: Members, exits_dropped: int, at: int) -> tuple[Members, int]:
    """The members without exits of more than 30 days before ``at``, and the new ``exits_dropped``."""
    oldest = at - EXITED_KEPT_MS
    if not members or not any(_forgotten(member, oldest) for mine in members.values() for member in mine.values()):
        return members, exits_dropped
    kept: Members = {}
    for namespace, mine in members.items():
        for segment, member in mine.items():
            if _forgotten(member, oldest):
                exits_dropped = max(exits_dropped, member.stamp[0])
            else:
                kept.setdefault(namespace, {})[segment] = member
    return kept, exits_dropped


def _forgotten(member: Member, oldest: int) -> bool:
    return member.status == EXITED and member.since < oldest


def changed(before: Members, after: Members) -> Iterator[SegmentChange]:
    """The segments to which the profile stands otherwise now. What is no longer there was an exit: nothing to tell."""
    if before is after:
        return
    for namespace, mine in after.items():
        old = before.get(namespace, {})
        if old is mine:
            continue
        for segment, member in mine.items():
            held = old.get(segment)
            if held is None or held.status != member.status:
                yield SegmentChange(namespace, segment, None if held is None else held.status, member.status)


def exited(members: Members, at: int, stamp: Stamp) -> Members:
    """The members, each of whom has left at ``at``, in epoch milliseconds."""
    return {
        namespace: {segment: left(at, stamp) if member.inside else member for segment, member in mine.items()}
        for namespace, mine in members.items()
    }


def left(at: int, stamp: Stamp, *, lapsed: bool = False) -> Member:
    """A member that has left its segment at ``at``."""
    return Member(EXITED, at, stamp, {"lastQualificationTime": text_of(at), "status": EXITED}, lapsed)


def lapsed(members: Members, ttl_ms: int, at: int, stamp: Stamp) -> Members:
    """The members, of whom those have left that had no news for ``ttl_ms``, or are past their ``validUntil``."""
    found = members
    for namespace, mine in members.items():
        for segment, member in mine.items():
            if member.inside and _over(member, ttl_ms, at):
                now = dict(found.get(namespace, {}))
                now[segment] = left(at, stamp, lapsed=True)
                found = {**found, namespace: now}
    return found


def _over(member: Member, ttl_ms: int, at: int) -> bool:
    until = instant(member.entry.get("validUntil"))
    return until < at if until is not None else max(member.since, member.stamp[0]) + ttl_ms < at


def inside(members: Members) -> set[tuple[str, str]]:
    """Namespace and id of every segment that the profile is in."""
    return {
        (namespace, segment) for namespace, mine in members.items() for segment, member in mine.items() if member.inside
    }


def entries(members: Members, at: int) -> dict[str, dict[str, Any]]:
    """``segmentMembership`` as it is shown at ``at``, in epoch milliseconds."""
    kept, _ = dropped(members, 0, at)
    return {
        namespace: {segment: member.entry for segment, member in mine.items()}
        for namespace, mine in kept.items()
        if mine
    }
