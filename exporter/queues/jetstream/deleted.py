"""Finding events that were deleted from the stream before the group settled them, and warning people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from exporter.queues.progress.settled import Range

#: A warning at most every so many seconds, however many gaps there are.
_SPEAK_SECONDS = 10.0


def without(gap: Range, settled: Iterable[Range]) -> Sequence[Range]:
    """The parts of ``gap`` that are in none of the ascending ranges ``settled``. Pure."""
    parts: list[Range] = []
    first, last = gap
    for begin, end in settled:
        if end < first:
            continue
        if begin > last:
            break
        if begin > first:
            parts.append((first, begin - 1))
        first = end + 1
    if first <= last:
        parts.append((first, last))
    return parts


class Deleted:
    """Warns of events that were deleted before the group read them: of the first at once, of more together."""

    def __init__(self, group: str, warn: Callable[[str], None]) -> None:
        self._group = group
        self._warn = warn
        self._untold: list[Range] = []
        self._told_at = float("-inf")

    def missing(self, gap: Range, settled: Iterable[Range]) -> None:
        """Note that the events of ``gap`` are gone; events ``settled`` before do not matter."""
        self._untold += without(gap, settled)
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
        count = sum(last - first + 1 for first, last in self._untold)
        first, last = self._untold[0][0], self._untold[-1][1]
        self._untold.clear()
        which = f"events {first} to {last}" if count == last - first + 1 else f"{count} events from {first} to {last}"
        self._warn(f"group {self._group}: {which} were deleted from the stream before it read them")
