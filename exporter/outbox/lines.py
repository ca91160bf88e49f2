"""The profiles' lines: every profile's exports in order, which of the lines may go, and how full the window is.

Only the head of a line is ever in flight, waits for a retry or becomes a dead letter: so exports of one profile
are never concurrent and never overtake (contract.md#guarantees, 3).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator

from exporter.messages.export import Export
from exporter.outbox.shares import Share


class Line:
    """The exports of one profile, oldest first.

    What its head is doing says where the line stands:

    ==========  ==========  ==========  ==========  =====================================================
    state       in_flight   storing     stands in   leaves it when
    ==========  ==========  ==========  ==========  =====================================================
    ready       no          no          ``_ready``  a sender or a probe takes the head: in flight
    in flight   yes         no          neither     answered: the next head is ready, or the same waits, or
                                                    the head becomes a dead letter: storing
    waiting     no          no          the heap    its head's retry is due: ready; a probe: in flight
    storing     no          yes         neither     the dead letter is durable: the next head is ready
    ==========  ==========  ==========  ==========  =====================================================

    A line whose last export goes is gone. Beside these, a line is *overfull* while it holds its quarter of the window:
    then nothing more is read, for no profile, since what comes next may be this profile's.
    """

    __slots__ = ("bytes", "exports", "in_flight", "overfull", "queued", "storing", "waiting")

    def __init__(self) -> None:
        # A list: nearly every line holds one export, and making a deque costs more than it ever saves.
        self.exports: list[Export] = []
        self.bytes = 0
        self.in_flight = False  # its head was taken
        self.storing = False  # its head becomes a dead letter
        self.queued = False  # it stands among those that may go
        self.waiting = 0.0  # the time under which it stands in the heap; 0.0: it doesn't
        self.overfull = False  # it has filled its share of the window

    @property
    def busy(self) -> bool:
        """Must its head keep its place?"""
        return self.in_flight or self.storing


class Lines:
    """All lines of one dataflow, within a window of so many events and bytes; one profile may hold a quarter."""

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
        """Everything, each profile's oldest first."""
        for line in self._lines.values():
            yield from line.exports

    def room(self, most: int, usual_size: int) -> int:
        """How many events, at most ``most``, fit now, if they are about ``usual_size`` bytes each."""
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
        """Put an export at the end of its profile's line."""
        line = self._lines.get(export.profile_id)
        if line is None:
            line = self._lines[export.profile_id] = Line()
        line.exports.append(export)
        self._count(line, export, 1)
        if len(line.exports) == 1:
            self.schedule(line, now)

    def insert(self, replay: Export, now: float) -> None:
        """Put a replay before what waits of its profile, after a busy head and after earlier replays."""
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
        """Put a line where its head belongs: among those that may go, or in the heap until it is due."""
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
        """May any line go?"""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            due, _, line = heapq.heappop(waiting)
            if line.waiting == due:
                line.waiting = 0.0
                if line.exports:
                    self.schedule(line, now)
        return bool(self._ready)

    def next_due(self) -> float | None:
        """When the next line may go that may not now."""
        return self._waiting[0][0] if self._waiting else None

    def launch(self, not_of: str | None = None) -> Line:
        """Take the line that has stood ready longest, preferably of another profile than ``not_of``."""
        line = self._ready.popleft()
        if self._ready and line.exports[0].profile_id == not_of:
            self._ready.append(line)
            line = self._ready.popleft()
        line.queued = False
        line.in_flight = True
        return line

    def launch_probe(self, not_of: str | None) -> Line | None:
        """Take a line to probe with, if any is in hand: rather of another profile than ``not_of``, rather one that is
        ready than one that waits for its retry."""
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
        """The head is done with: the next of its profile may go."""
        export = line.exports.pop(0)
        self._count(line, export, -1)
        if line.exports:
            self.schedule(line, now)
        else:
            del self._lines[export.profile_id]

    def release(self, lane: str, now: float) -> list[Export]:
        """Let go of a lane's exports, but for busy heads, which are marked as released; returns what went.

        Replays go too: whoever has the lane from now on must not be overtaken by them, and is given them.
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
        """Does anything of this lane become a dead letter now?"""
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
