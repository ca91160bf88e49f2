"""Puts together: the identities that a record names with those of its profile, and profiles that are one person's."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.source.profiles.merge.memberships import follows
from exporter.source.profiles.merge.profile import Known, Profile
from exporter.source.profiles.merge.stamps import Stamp, newer
from exporter.source.records import Identity


def seen(known: list[Known], identity: Identity, primary: bool, stamp: Stamp) -> list[Known]:
    """The identities after a record named ``identity``; the same list where nothing is otherwise.

    Once primary, an identity stays so: two datasets with different primaries would else change it with each record.
    Where the record says no ``state``, the one before stands.
    """
    place = _place(known, identity)
    if place is None:
        since = None if identity.state is None else stamp
        return [*known, Known(identity.namespace, identity.id, primary, identity.state, since)]
    before = known[place]
    state, since = before.state, before.since
    if identity.state is not None and (since is None or not newer(since, stamp)):
        state, since = identity.state, stamp
    if (primary and not before.primary) or since != before.since:
        after = Known(before.namespace, before.id, primary or before.primary, state, since)
        return [*known[:place], after, *known[place + 1 :]]
    return known


def _place(known: Sequence[Known], identity: Identity) -> int | None:
    for place, each in enumerate(known):
        if each.id == identity.id and each.namespace == identity.namespace:
            return place
    return None


def joined(survivor: Profile, absorbed: Sequence[Profile]) -> Profile:
    """The profile that has all of ``survivor`` and of ``absorbed``; no identity is in two of them."""
    members = {namespace: dict(found) for namespace, found in survivor.members.items()}
    for other in absorbed:
        for namespace, found in other.members.items():
            mine = members.setdefault(namespace, {})
            for segment, member in found.items():
                held = mine.get(segment)
                if held is None or follows(member, held):
                    mine[segment] = member
    all_of = (survivor, *absorbed)
    return Profile(
        [identity for each in all_of for identity in each.identities],
        [fragment for each in all_of for fragment in each.fragments],
        members,
        max(each.modified for each in all_of),
        max(each.exits_dropped for each in all_of),
    )
