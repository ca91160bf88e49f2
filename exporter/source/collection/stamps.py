"""When records are taken, and what they are called: times never fall, and no two names are equal."""

from __future__ import annotations

from collections.abc import Callable

from exporter.source.collection.stamp import Stamp


class Stamps:
    """Gives out stamps.

    Args:
        clock: epoch milliseconds.
        worker: the number of this process among those that take records at a time.
        floor: epoch milliseconds that every stamp is later than: the last that an earlier process is known to have
            given, so that times do not fall and names do not come back where the clock was set back between the two.
    """

    def __init__(self, clock: Callable[[], int], worker: int = 0, floor: int = 0) -> None:
        self._clock = clock
        self._worker = worker
        self._last = floor + 1
        self._count = 0

    @property
    def ahead_ms(self) -> int:
        """By how many milliseconds the last time is later than the clock says; 0 where it is not."""
        return max(0, self._last - self._clock())

    def next(self) -> Stamp:
        """A stamp no earlier than those before, with a name of its own."""
        ms = self._clock()
        if ms > self._last:
            self._last = ms
        else:
            ms = self._last
        count = self._count
        self._count = count + 1
        return Stamp(ms, f"{ms}:{self._worker}:{count}")

    def last_of_its_time(self) -> Stamp:
        """A stamp after which none has the same time: what is deleted as of this time are no later records."""
        stamp = self.next()
        self._last = stamp.ms + 1
        return stamp
