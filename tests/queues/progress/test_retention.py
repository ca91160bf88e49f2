"""Up to where a log may be deleted."""

from __future__ import annotations

import pytest

from exporter.queues.progress.retention import UNNAMED_GROUP_KEPT_SECONDS, GroupPosition, Passed, passed

NOW = 1_800_000_000.0
FRESH = NOW - UNNAMED_GROUP_KEPT_SECONDS + 1
STALE = NOW - UNNAMED_GROUP_KEPT_SECONDS - 1


@pytest.mark.parametrize(
    ("places", "named", "to", "given_up"),
    [
        ([], [], None, []),
        ([], ["a"], None, []),
        ([GroupPosition("a", 5, NOW)], ["a"], 5, []),
        ([GroupPosition("a", 5, NOW), GroupPosition("b", 3, NOW)], ["a", "b"], 3, []),
        ([GroupPosition("a", 5, NOW)], ["a", "b"], None, []),  # b has not begun
        ([GroupPosition("a", 5, STALE)], ["a"], 5, []),  # named: however long ago
        ([GroupPosition("a", 5, NOW), GroupPosition("x", 3, FRESH)], ["a"], 3, []),
        ([GroupPosition("a", 5, NOW), GroupPosition("x", 3, STALE)], ["a"], 5, ["x"]),
        ([GroupPosition("a", 5, NOW), GroupPosition("x", 3, STALE)], ["a", "b"], None, ["x"]),
        ([GroupPosition("x", 3, STALE)], [], None, ["x"]),  # nobody counts
        ([GroupPosition("x", 3, FRESH)], [], 3, []),
    ],
)
def test_passed(places: list[GroupPosition], named: list[str], to: int | None, given_up: list[str]) -> None:
    assert passed(places, named, NOW) == Passed(to, frozenset(given_up))
