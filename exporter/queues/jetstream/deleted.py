"""Which sequence numbers are not in the stream any more although nobody has settled them, and telling people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from exporter.queues.progress.settled import Range

#: One sentence in so many seconds, however many gaps there are.
_SPEAK_SECONDS = 10.0


def without(gap: Range, settled: Iterable[Range]) -> Sequence[Range]:
    """The parts of ``gap`` that are in none of ``settled``, which is ascending. Pure."""
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
    """Tells of events that were deleted before their group read them: the first at once, more of them together."""

    def __init__(self, group: str, warn: Callable[[str], None]) -> None:
        self._group = group
        self._warn = warn
        self._untold: list[Range] = []
        self._told_at = float("-inf")

    def missing(self, gap: Range, settled: Iterable[Range]) -> None:
        """These are gone; those that were settled before do not matter."""
        self._untold += without(gap, settled)
        self.tell()

    def tell(self) -> None:
        """Say what there is to say, unless something was said a moment ago."""
        now = time.monotonic()
        if not self._untold or now - self._told_at < _SPEAK_SECONDS:
            return
        self._told_at = now
        self.tell_all()

    def tell_all(self) -> None:
        """Say what there is to say."""
        if not self._untold:
            return
        count = sum(last - first + 1 for first, last in self._untold)
        first, last = self._untold[0][0], self._untold[-1][1]
        self._untold.clear()
        which = f"events {first} to {last}" if count == last - first + 1 else f"{count} events from {first} to {last}"
        self._warn(f"group {self._group}: {which} were deleted from the stream before it read them")
