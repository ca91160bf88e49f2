"""Whether a profile store fits its intake."""

from __future__ import annotations

import pytest

from exporter.daemon.serving.marks import mismatch
from exporter.queues.port import Position


@pytest.mark.parametrize(
    ("mark", "settled_to", "lag", "words"),
    [
        (0, 0, 0, ""),  # both are new
        (5, 5, 3, ""),
        (7, 5, 3, ""),  # applied, and not settled yet
        (8, 5, 3, ""),
        (9, 5, 3, "it ends with record 8, and profiles have applied it up to 9"),
        (3, 5, 0, "records 4 to 5"),
        (0, 5, 9, "records 1 to 5"),
    ],
)
def test_a_store_and_its_intake(mark: int, settled_to: int, lag: int, words: str) -> None:
    positions = [
        Position("other", "0", 99, 0, 0, True, None),
        Position("exporter.source", "0", settled_to, 0, lag, True, None),
    ]
    found = mismatch({"0": mark} if mark else {}, positions, "exporter.source", dense=True)
    assert (found is None) == (not words)
    assert words in (found or "")
    assert found is None or "exporter backup" in found


def test_an_end_that_is_not_known_is_not_judged() -> None:
    positions = [Position("exporter.source", "0", 5, 0, 3, True, None)]
    assert mismatch({"0": 9}, positions, "exporter.source", dense=False) is None
