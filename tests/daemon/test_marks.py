"""Whether a profile store fits its intake."""

from __future__ import annotations

import pytest

from exporter.daemon.serving.marks import mismatch
from exporter.queues.port import Position


def position(lane: str, settled_to: int, end: int | None, group: str = "exporter.source") -> Position:
    return Position(group, lane, settled_to, 0, None, True, None, end)


@pytest.mark.parametrize(
    ("mark", "settled_to", "end", "words"),
    [
        (0, 0, 0, ""),  # both are new
        (5, 5, 8, ""),
        (7, 5, 8, ""),  # applied, and not settled yet
        (8, 5, 8, ""),
        (9, 5, 8, "it ends with record 8, and profiles have applied it up to 9"),
        (9, 5, None, ""),  # no position comes twice
        (3, 5, 5, "records 4 to 5"),
        (0, 5, 14, "records 1 to 5"),
    ],
)
def test_a_store_and_its_intake(mark: int, settled_to: int, end: int | None, words: str) -> None:
    positions = [position("0", 99, 99, "other"), position("0", settled_to, end)]
    found = mismatch({"0": mark} if mark else {}, positions, "exporter.source", "journal")
    assert (found is None) == (not words)
    assert words in (found or "")
    assert found is None or ("exporter backup" in found and "move the intake's file away" in found)


def test_the_first_offset_of_a_partition_is_0() -> None:
    assert mismatch({}, [position("0", -1, -1)], "exporter.source", "kafka") is None
    assert mismatch({"0": 0}, [position("0", 0, 0)], "exporter.source", "kafka") is None
    assert "records 0 to 0" in (mismatch({}, [position("0", 0, 0)], "exporter.source", "kafka") or "")
    assert "it ends with record -1" in (mismatch({"0": 0}, [position("0", -1, -1)], "exporter.source", "kafka") or "")


@pytest.mark.parametrize(("kind", "fits"), [("nats", True), ("kafka", False)])
def test_a_lane_that_the_store_does_not_know(kind: str, fits: bool) -> None:
    """A stream of NATS that has lost its end goes on in a lane of another name; a partition does not."""
    found = mismatch({"1": 9}, [position("2", 7, 7)], "exporter.source", kind)
    assert (found is None) == fits
    again = mismatch({}, [position("2", 7, 7)], "exporter.source", kind)
    assert again is not None
    assert f"name another {'stream' if kind == 'nats' else 'topic'}" in again
