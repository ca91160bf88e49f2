"""Where a group goes on after a seek to a position that the lane does not have (any more). Pure."""

from __future__ import annotations

from exporter.queues.port import SeekResult, Start


def nearest(lane: str, target: int | Start, first: int, last: int, lowest: int = 1) -> SeekResult:
    """The position in ``lane`` that is nearest to ``target``.

    Args:
        first: the lowest position that is kept; ``last`` + 1 where none is.
        last: the highest position that was ever given.
        lowest: the first position that a lane of this kind ever gives.
    """
    if target == "earliest":
        return SeekResult(lane, first)
    if target == "latest":
        return SeekResult(lane, last + 1)
    if target > last + 1:
        return SeekResult(lane, last + 1, "beyond_end")
    if target < first:
        return SeekResult(lane, first, "gone" if first > lowest else "")
    return SeekResult(lane, target)
