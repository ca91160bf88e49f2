"""Where a group goes on that was moved to a place that its lane does not have (any more). Pure."""

from __future__ import annotations

from exporter.queues.port import Sought, Start


def nearest(lane: str, target: int | Start, first: int, last: int, lowest: int = 1) -> Sought:
    """The place in ``lane`` that is nearest to ``target``.

    Args:
        first: the lowest position that is kept; the one after ``last`` where none is.
        last: the highest position that was ever given.
        lowest: the first position that such a lane ever gives.
    """
    if target == "earliest":
        return Sought(lane, first)
    if target == "latest":
        return Sought(lane, last + 1)
    if target > last + 1:
        return Sought(lane, last + 1, "beyond_end")
    if target < first:
        return Sought(lane, first, "gone" if first > lowest else "")
    return Sought(lane, target)
