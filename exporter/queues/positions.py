"""How far behind a group is, and where a seek puts a group, in the words of the port."""

from __future__ import annotations

import time

from exporter.queues.port import Lag, SeekResult, Start


def lag_of(messages: int, oldest_at: float | None) -> Lag:
    """The lag of a group.

    ``messages`` are those that are unsettled or unread; the queue took the oldest at ``oldest_at``, in epoch seconds,
    None where unknown.
    """
    if not messages:
        return Lag(0, 0.0)
    return Lag(messages, None if oldest_at is None else max(0.0, time.time() - oldest_at))


def nearest(lane: str, target: int | Start, first: int, last: int, lowest: int = 1) -> SeekResult:
    """The position in ``lane`` that is nearest to ``target``, where a seek puts a group.

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
