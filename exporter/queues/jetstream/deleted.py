"""Finding events that were deleted from the stream before the group settled them, and warning people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from exporter.queues.progress.settled import Range, count, gaps

#: The seconds between two warnings at least, however many gaps there are.
_SPEAK_SECONDS = 10.0


class Deleted:
    """Warns of events that were deleted before the group read them: of the first at once, of more together."""

    def __init__(self, group: str, warn: Callable[[str], None]) -> None:
        self._group = group
        self._warn = warn
        self._untold: list[Range] = []
        self._told_at = float("-inf")

    def missing(self, first: int, last: int, settled: Iterable[Range]) -> None:
        """Note that the events from ``first`` to ``last`` are gone; events ``settled`` before do not matter."""
        self._untold += gaps(first, last, settled)
        self.tell()

    def tell(self) -> None:
        """Warn of all gaps not told yet, unless a warning came in the last ten seconds."""
        now = time.monotonic()
        if not self._untold or now - self._told_at < _SPEAK_SECONDS:
            return
        self._told_at = now
        self.tell_all()

    def tell_all(self) -> None:
        """Warn of all gaps not told yet."""
        if not self._untold:
            return
        number = count(self._untold)
        first, last = self._untold[0][0], self._untold[-1][1]
        self._untold.clear()
        which = f"events {first} to {last}" if number == last - first + 1 else f"{number} events from {first} to {last}"
        self._warn(f"group {self._group}: {which} were deleted from the stream before it read them")
