"""The profiles' lines: every profile's exports in order, which of the lines may go, and how full the window is.

Only the head of a line is ever in flight, waits for a retry or becomes a dead letter: so exports of a profile are never
concurrent and never overtake (contract.md#guarantees, 3).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator

from exporter.messages.export import Export
from exporter.outbox.shares import Share


class Line:
    """The exports of one profile, oldest first.

    The head decides where the line stands:

    ==========  ==========  ==========  ==========  =====================================================
    state       in_flight   storing     stands in   leaves the state when
    ==========  ==========  ==========  ==========  =====================================================
    ready       no          no          ``_ready``  a sender or a probe takes the head: in flight
    in flight   yes         no          neither     answered: the next head is ready, or the same waits, or
                                                    the head becomes a dead letter: storing
    waiting     no          no          the heap    the head's retry is due: ready; a probe: in flight
    storing     no          yes         neither     the dead letter is durable: the next head is ready
    ==========  ==========  ==========  ==========  =====================================================

    A line whose last export goes is gone. Beside these, a line is *overfull* while it holds its quarter of the window:
    then nothing more is read, for no profile, since the next event may be the same profile's.
    """

    __slots__ = ("bytes", "exports", "in_flight", "overfull", "queued", "storing", "waiting")

    def __init__(self) -> None:
        # A list: nearly every line holds one export, and making a deque costs more than it ever saves.
        self.exports: list[Export] = []
        self.bytes = 0
        self.in_flight = False  # the head was taken
        self.storing = False  # the head becomes a dead letter
        self.queued = False  # the line stands among the ready lines
        self.waiting = 0.0  # the time under which the line stands in the heap; 0.0: not there
        self.overfull = False  # the line has filled a profile's share of the window

    @property
    def busy(self) -> bool:
        """Whether the head must keep its place."""
        return self.in_flight or self.storing


class Lines:
    """All lines of a dataflow, within a window of so many events and bytes; one profile may hold a quarter."""

    def __init__(self, window_events: int, window_bytes: int, memory: Share) -> None:
        self._window_events = window_events
        self._window_bytes = window_bytes
        self._memory = memory
        self._lines: dict[str, Line] = {}
        self._ready: deque[Line] = deque()
        self._waiting: list[tuple[float, int, Line]] = []
        self._sequence = 0
        self._overfull = 0
        self.events = 0

    def __iter__(self) -> Iterator[Export]:
        """All exports, each profile's oldest first."""
        for line in self._lines.values():
            yield from line.exports

    def room(self, most: int, usual_size: int) -> int:
        """How many events, at most ``most``, fit now, at about ``usual_size`` bytes each."""
        if self._overfull:
            return 0
        events = self._window_events - self.events
        free = min(self._window_bytes - self._memory.used, self._memory.room())
        if events <= 0 or free <= 0:
            return 0
        return min(most, events, max(1, free // max(1, usual_size)))

    def count_aside(self, size: int, change: int) -> None:
        """Count ``change`` events of ``size`` bytes that stand in no line."""
        self.events += change
        self._memory.add(change * size)

    # -- in

    def append(self, export: Export, now: float) -> None:
        """Put an export at the end of the profile's line."""
        line = self._lines.get(export.profile_id)
        if line is None:
            line = self._lines[export.profile_id] = Line()
        line.exports.append(export)
        self._count(line, export, 1)
        if len(line.exports) == 1:
            self.schedule(line, now)

    def insert(self, replay: Export, now: float) -> None:
        """Put a replay before the profile's waiting exports, after a busy head and after earlier replays."""
        line = self._lines.get(replay.profile_id)
        if line is None:
            self.append(replay, now)
            return
        place = 1 if line.busy else 0
        while place < len(line.exports) and line.exports[place].letter is not None:
            place += 1
        line.exports.insert(place, replay)
        self._count(line, replay, 1)
        self.schedule(line, now)

    def schedule(self, line: Line, now: float) -> None:
        """Put a line where the head belongs: among the ready lines, or in the heap until the head is due."""
        if line.busy:
            return
        due = line.exports[0].due
        if due <= now:
            if not line.queued:
                line.queued = True
                self._ready.append(line)
        elif line.waiting != due:
            line.waiting = due
            self._sequence += 1
            heapq.heappush(self._waiting, (due, self._sequence, line))

    # -- out

    def any_ready(self, now: float) -> bool:
        """Whether any line may go; lines that are due become ready."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            due, _, line = heapq.heappop(waiting)
            if line.waiting == due:
                line.waiting = 0.0
                if line.exports:
                    self.schedule(line, now)
        return bool(self._ready)

    def next_due(self) -> float | None:
        """The time at which the first line of the heap may go."""
        return self._waiting[0][0] if self._waiting else None

    def launch(self, not_of: str | None = None) -> Line:
        """Take the line that has stood ready longest, preferably of a profile other than ``not_of``."""
        line = self._ready.popleft()
        if self._ready and line.exports[0].profile_id == not_of:
            self._ready.append(line)
            line = self._ready.popleft()
        line.queued = False
        line.in_flight = True
        return line

    def launch_probe(self, not_of: str | None) -> Line | None:
        """Take a line to probe with, if any is in hand.

        Rather of a profile other than ``not_of``, and rather a ready line than a line that waits for a retry.
        """
        if self._ready and (len(self._ready) > 1 or self._ready[0].exports[0].profile_id != not_of):
            return self.launch(not_of)
        waiting = [line for due, _, line in sorted(self._waiting) if line.waiting == due and line.exports]
        for line in waiting:
            if line.exports[0].profile_id != not_of:
                return self._launch_early(line)
        if self._ready:
            return self.launch()
        return self._launch_early(waiting[0]) if waiting else None

    def _launch_early(self, line: Line) -> Line:
        line.waiting = 0.0
        line.in_flight = True
        return line

    def of(self, export: Export) -> Line:
        """The line in which an export stands."""
        return self._lines[export.profile_id]

    def remove_head(self, line: Line, now: float) -> None:
        """Drop the head, which has ended: the profile's next export may go."""
        export = line.exports.pop(0)
        self._count(line, export, -1)
        if line.exports:
            self.schedule(line, now)
        else:
            del self._lines[export.profile_id]

    def release(self, lane: str, now: float) -> list[Export]:
        """Let go of a lane's exports, but for busy heads, which are marked as released; return what went.

        Replays go too: the lane's next reader is given them, and must not be overtaken.
        """
        gone: list[Export] = []
        for profile_id, line in list(self._lines.items()):
            head = line.exports[0] if line.busy else None
            if head is not None and head.message.lane == lane:
                head.released = True
            leaving = [each for each in line.exports if each is not head and each.message.lane == lane]
            if not leaving:
                continue
            for export in leaving:
                line.exports.remove(export)
                self._count(line, export, -1)
            gone += leaving
            if line.exports:
                self.schedule(line, now)
            else:
                if line.queued:
                    self._ready.remove(line)
                del self._lines[profile_id]
        return gone

    def storing(self, lane: str) -> bool:
        """Whether any export of ``lane`` is becoming a dead letter."""
        return any(line.storing and line.exports[0].message.lane == lane for line in self._lines.values())

    def _count(self, line: Line, export: Export, change: int) -> None:
        size = change * export.size
        self.events += change
        self._memory.add(size)
        line.bytes += size
        events = len(line.exports)
        if events <= 1 and not line.overfull:
            return
        overfull = events > 1 and (events * 4 >= self._window_events or line.bytes * 4 >= self._window_bytes)
        if overfull is not line.overfull:
            line.overfull = overfull
            self._overfull += 1 if overfull else -1
