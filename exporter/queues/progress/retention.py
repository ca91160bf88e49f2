"""How far a log may be deleted: as far as every group that counts has passed (contract.md#the-queue). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

UNNAMED_GROUP_KEPT_SECONDS = 7 * 24 * 3600.0


class GroupPosition(NamedTuple):
    """A group's position, and when the group was read last, in epoch seconds."""

    group: str
    settled_to: int
    seen_at: float


class Passed(NamedTuple):
    """``to``: the last position that no group needs, None to keep all. ``given_up``: groups that do not count."""

    to: int | None
    given_up: frozenset[str]


def passed(places: Iterable[GroupPosition], named: Collection[str], now: float) -> Passed:
    """How much may be deleted, where ``named`` are the groups of the configuration.

    A named group that was never read needs everything. Other groups count for seven days after being read. While no
    group counts, everything is kept.
    """
    known = list(places)
    given_up = frozenset(
        place.group for place in known if place.group not in named and place.seen_at < now - UNNAMED_GROUP_KEPT_SECONDS
    )
    needed = [place.settled_to for place in known if place.group not in given_up]
    if not needed or not {place.group for place in known}.issuperset(named):
        return Passed(None, given_up)
    return Passed(min(needed), given_up)


class GivenUp:
    """Warns people of each group that stops counting, once; ``warn`` gets the sentence."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._told: set[str] = set()

    def tell(self, groups: Collection[str]) -> None:
        """Warn of ``groups`` that were not told before."""
        for group in sorted(set(groups) - self._told):
            self._told.add(group)
            self._warn(
                f"group {group} is not in the configuration and nobody has read it for seven days: "
                "events are deleted without waiting for it"
            )
