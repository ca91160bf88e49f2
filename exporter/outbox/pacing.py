"""Pacing: in any second at most ``delivery.rate`` attempts begin, bursts included."""

from __future__ import annotations

#: The part of each second that is kept free for bursts: after the process was late, the attempts of this time are made
#: up for at once. The steady pace stays below the rate by the same part, so that no second has more than ``rate``,
#: whether a receiver counts in windows or in tokens. Bursts of 50 ms made up for more, and had more 429 where the
#: receiver itself was late.
BURST_SECONDS = 0.01
#: A pace faster than this goes in handfuls: an event loop's timers count in milliseconds.
HANDFUL_SECONDS = 0.004


class Pacing:
    """The generic cell rate algorithm on a time that is passed in.

    Holds the time at which the attempts made so far would end if each took a full share of a second; an attempt may
    begin up to a burst before that.
    """

    __slots__ = ("_busy_until", "_free_at", "_handful", "_interval", "_tolerance")

    def __init__(self, per_second: float) -> None:
        self._interval = (1.0 + BURST_SECONDS) / per_second
        self._tolerance = max(0.0, BURST_SECONDS - self._interval)
        self._handful = max(0.0, HANDFUL_SECONDS - self._interval)
        self._busy_until = self._free_at = float("-inf")

    def free_at(self) -> float:
        """The time from which on the next attempt may begin."""
        return self._free_at

    def spend(self, now: float) -> None:
        """Note that an attempt begins."""
        self._busy_until = max(self._busy_until, now) + self._interval
        self._free_at = self._busy_until - self._tolerance
        if self._free_at > now:
            self._free_at += self._handful
