"""Pacing: at most so many attempts a second, in bursts of at most 50 ms (DESIGN §2.4 ``delivery.rate``)."""

from __future__ import annotations

BURST_SECONDS = 0.05


class Pacing:
    """The generic cell rate algorithm on a time that is passed in.

    Holds the time at which the attempts made so far would end if each took its full share of a second;
    an attempt may begin up to a burst before that.
    """

    __slots__ = ("_busy_until", "_interval", "_tolerance")

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._tolerance = max(0.0, BURST_SECONDS - self._interval)
        self._busy_until = float("-inf")

    def free_at(self) -> float:
        """The time from which on the next attempt may begin."""
        return self._busy_until - self._tolerance

    def spend(self, now: float) -> None:
        """An attempt begins."""
        self._busy_until = max(self._busy_until, now) + self._interval
