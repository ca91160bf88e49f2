"""A kept profile as people and clients see it."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.source.profiles.merge.event import shown
from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.profile import Profile
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.view import view_of
from exporter.source.profiles.port import ShownProfile
from exporter.source.records import Identity


def shown_profile(profile: Profile, rules: Rules, at: int) -> ShownProfile:
    """``profile`` as it is at ``at``, in epoch milliseconds."""
    counted = [
        each
        for each in profile.fragments
        if each.leaves and (rules.precedence is None or each.dataset in rules.precedence)
    ]
    return ShownProfile(
        profile.profile_id,
        shown(profile, view_of(profile.fragments, rules.precedence), at),
        list(dict.fromkeys(each.dataset for each in counted)),
        list(dict.fromkeys(xaction_id for each in counted for xaction_id in _writes(each))),
        [Identity(each.namespace, each.id, each.state, each.primary) for each in profile.identities],
        profile.modified,
    )


def _writes(fragment: Fragment) -> Iterator[str]:
    """The xactionIds of the records that wrote what is there."""
    for path in fragment.leaves:
        yield fragment.stamp_of(path)[1]
