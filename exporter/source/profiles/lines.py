"""A kept profile as a line of JSON, with all that a store needs to go on with it, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.profile import Known, Member, Profile
from exporter.source.profiles.merge.stamps import Stamp


class _Identity(msgspec.Struct, forbid_unknown_fields=True):
    namespace: str
    id: str
    primary: bool
    state: str | None = None
    since: Stamp | None = None


class _Fragment(msgspec.Struct, forbid_unknown_fields=True):
    dataset: str
    primary: tuple[str, str]
    stamp: Stamp
    cleared: Stamp | None
    leaves: dict[str, Any]
    marks: dict[str, Stamp]


class _Member(msgspec.Struct, forbid_unknown_fields=True):
    status: str
    since: int
    stamp: Stamp
    entry: dict[str, Any]
    lapsed: bool = False


class _Line(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    profile_id: str
    identities: list[_Identity]
    fragments: list[_Fragment]
    members: dict[str, dict[str, _Member]]
    modified: int
    exits_dropped: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def line_of(profile: Profile) -> bytes:
    """The line, without a line break."""
    return _encode(
        _Line(
            profile.profile_id,
            [_Identity(each.namespace, each.id, each.primary, each.state, each.since) for each in profile.identities],
            [
                _Fragment(each.dataset, each.primary, each.stamp, each.cleared, each.leaves, each.marks)
                for each in profile.fragments
            ],
            {
                namespace: {
                    segment: _Member(each.status, each.since, each.stamp, each.entry, each.lapsed)
                    for segment, each in mine.items()
                }
                for namespace, mine in profile.members.items()
            },
            profile.modified,
            profile.exits_dropped,
        )
    )


def profile_in(line: bytes) -> Profile:
    """The profile in a line that ``line_of`` made.

    Raises:
        ValueError: with the reason.
    """
    try:
        read = _decode(line)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    named = {(each.namespace, each.id) for each in read.identities}
    if not named or len(named) < len(read.identities):
        raise ValueError("a profile has at least one identity, and each once")
    if any(each.primary not in named for each in read.fragments):
        raise ValueError("a fragment is of an identity that the profile has not")
    return Profile(
        [Known(each.namespace, each.id, each.primary, each.state, each.since) for each in read.identities],
        [
            Fragment(each.dataset, each.primary, each.stamp, each.cleared, each.leaves, each.marks)
            for each in read.fragments
        ],
        {
            namespace: {
                segment: Member(each.status, each.since, each.stamp, each.entry, each.lapsed)
                for segment, each in mine.items()
            }
            for namespace, mine in read.members.items()
        },
        read.modified,
        read.exits_dropped,
    )
