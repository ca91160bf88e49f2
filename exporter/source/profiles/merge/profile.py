"""A profile as it is kept: its identities, what datasets said of them, and how it stands to segments."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.stamps import Stamp, newer
from exporter.source.records import Identity

_KEY_BYTES = 16
#: They make 20 characters.
_ID_BYTES = 15


class Known(msgspec.Struct, array_like=True, gc=False):
    """An identity of a profile; ``since`` is the write of its ``authenticatedState``."""

    namespace: str
    id: str
    primary: bool
    state: str | None
    since: Stamp | None


class Member(msgspec.Struct, array_like=True, gc=False):
    """How a profile stands to a segment.

    ``since`` is the ``lastQualificationTime`` in epoch milliseconds, ``stamp`` the write, ``entry`` all that came.
    """

    status: str
    since: int
    stamp: Stamp
    entry: dict[str, Any]

    @property
    def inside(self) -> bool:
        """Whether the profile is in the segment."""
        return self.status != EXITED


EXITED = "exited"

#: Namespace and id of an identity.
Named: TypeAlias = tuple[str, str]
#: Members by namespace and id of the segment.
Members: TypeAlias = dict[str, dict[str, Member]]


class Profile(msgspec.Struct, array_like=True, gc=False):
    """A profile. Never changed: what happens to it makes another one.

    Attributes:
        identities: in the order in which the profile gained them; the first gives the profile its id.
        fragments: what was said, empty ones too.
        members: by namespace and id of the segment.
        modified: epoch milliseconds of the last record that changed something.
        exits_dropped: the latest time at which a record was taken that told an exit which is no longer kept; nothing
            that was taken up to then makes a membership that is not there.
    """

    identities: list[Known]
    fragments: list[Fragment]
    members: Members
    modified: int = 0
    exits_dropped: int = 0

    @property
    def profile_id(self) -> str:
        """The id in events and for people."""
        first = self.identities[0]
        return profile_id(first.namespace, first.id)


def identity_key(namespace: str, id_: str) -> bytes:
    """The 16 bytes under which an identity is found."""
    return hashlib.blake2b(f"{namespace}\0{id_}".encode(errors="surrogatepass"), digest_size=_KEY_BYTES).digest()


def profile_id(namespace: str, id_: str) -> str:
    """The id of a profile whose first identity this is: the same after a rebuild."""
    key = identity_key(namespace, id_)[:_ID_BYTES]
    return "p-" + b2a_base64(key, newline=False).decode().replace("+", "-").replace("/", "_")


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


def follows(one: Member, other: Member) -> bool:
    """Whether ``one`` overwrites ``other``: a later time of qualification, or at the same time not an older write."""
    if one.since != other.since:
        return one.since > other.since
    return not newer(other.stamp, one.stamp)
