"""Up to where a log may be deleted: what every group that counts has passed (contract.md#the-queue). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

UNNAMED_GROUP_KEPT_SECONDS = 7 * 24 * 3600.0


class GroupPosition(NamedTuple):
    """Where a group stands, and when somebody read it last, in epoch seconds."""

    group: str
    settled_to: int
    seen_at: float


class Passed(NamedTuple):
    """``to``: the last position that nobody needs, None to keep everything. ``given_up``: groups that do not count."""

    to: int | None
    given_up: frozenset[str]


def passed(places: Iterable[GroupPosition], named: Collection[str], now: float) -> Passed:
    """What may be deleted, where ``named`` are the groups of the configuration.

    A named group that nobody has read yet needs everything. Others count while somebody read them in the last seven
    days. While no group counts, everything is kept.
    """
    known = list(places)
    given_up = frozenset(
        place.group for place in known if place.group not in named and place.seen_at < now - UNNAMED_GROUP_KEPT_SECONDS
    )
    needed = [place.settled_to for place in known if place.group not in given_up]
    if not needed or not {place.group for place in known}.issuperset(named):
        return Passed(None, given_up)
    return Passed(min(needed), given_up)


def given_up_warning(group: str) -> str:
    """What people should know when a group stops counting."""
    return (
        f"group {group} is not in the configuration and nobody has read it for seven days: "
        "events are deleted without waiting for it"
    )
