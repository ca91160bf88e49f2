"""Where a group goes on that was moved to a place that its lane does not have."""

from __future__ import annotations

import pytest

from exporter.queues.port import Clipped, Start
from exporter.queues.positions import nearest


@pytest.mark.parametrize(
    ("target", "following", "clipped"),
    [
        ("earliest", 5, ""),
        ("latest", 10, ""),
        (0, 5, "gone"),
        (4, 5, "gone"),
        (5, 5, ""),
        (9, 9, ""),
        (10, 10, ""),
        (11, 10, "beyond_end"),
    ],
)
def test_a_lane_that_keeps_5_to_9(target: int | Start, following: int, clipped: Clipped) -> None:
    found = nearest("l", target, first=5, last=9)
    assert (found.lane, found.next, found.clipped) == ("l", following, clipped)


@pytest.mark.parametrize(("lowest", "target"), [(1, 0), (1, 1), (0, 0)])
def test_before_the_first_that_ever_was_nothing_is_gone(lowest: int, target: int) -> None:
    found = nearest("l", target, first=lowest, last=9, lowest=lowest)
    assert (found.next, found.clipped) == (lowest, "")


def test_of_a_lane_that_was_emptied_all_is_gone() -> None:
    assert nearest("l", 3, first=10, last=9).clipped == "gone"
    assert nearest("l", 10, first=10, last=9).clipped == ""
