"""The profiles' queues: every profile's exports in order, which of the queues may go, and how full the window is.

Only the head of a queue is ever in flight, waits for a retry or becomes a dead letter: so exports of a profile are
never concurrent and never overtake (contract.md#guarantees, 3).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

from exporter.messages.export import OVERHEAD_BYTES, Export
from exporter.outbox.shares import Share


class ProfileQueue:
    """The exports of one profile, oldest first.

    The head decides where the queue stands:

    ==========  ==========  ==========  ==========  =====================================================
    state       in_flight   storing     stands in   leaves the state when
    ==========  ==========  ==========  ==========  =====================================================
    ready       no          no          ``_ready``  a sender or a probe takes the head: in flight
    in flight   yes         no          neither     answered: the next head is ready, or the same waits, or
                                                    the head becomes a dead letter: storing
    waiting     no          no          the heap    the head's retry is due: ready; a probe: in flight
    storing     no          yes         neither     the dead letter is durable: the next head is ready
    held        no          no          neither     nothing earlier of the head's lane is left of the profiles that
                                                    the head's profile has absorbed: ready; or a replay comes
                                                    before the head: ready
    ==========  ==========  ==========  ==========  =====================================================

    A queue whose last export goes is gone. Beside these, a queue is *overfull* while it holds its quarter of the
    window: then nothing more is read, for no profile, since the next event may be the same profile's.
    """

    __slots__ = ("bytes", "exports", "in_flight", "overfull", "ready", "storing", "waiting")

    def __init__(self) -> None:
        # A list: nearly every queue holds one export, and making a deque costs more than it ever saves.
        self.exports: list[Export] = []
        self.bytes = 0
        self.in_flight = False  # the head was taken
        self.storing = False  # the head becomes a dead letter
        self.ready = False  # the queue stands among the ready queues
        self.waiting = 0.0  # the time under which the queue stands in the heap; 0.0: not there
        self.overfull = False  # the queue has filled a profile's share of the window

    @property
    def busy(self) -> bool:
        """Whether the head must keep its place."""
        return self.in_flight or self.storing


class ProfileQueues:
    """All queues of a dataflow, within a window of events and bytes; one profile may hold a quarter."""

    def __init__(self, window_events: int, window_bytes: int, memory: Share) -> None:
        self._window_events = window_events
        self._window_bytes = window_bytes
        self._memory = memory
        self._queues: dict[str, ProfileQueue] = {}
        self._ready: deque[ProfileQueue] = deque()
        self._waiting: list[tuple[float, int, ProfileQueue]] = []
        self._sequence = 0
        # Of each absorbed profile, the queues whose heads wait for it. Names may stay of queues that wait no longer.
        self._held: dict[str, dict[ProfileQueue, None]] = {}
        self._overfull = 0
        self.events = 0

    def __iter__(self) -> Iterator[Export]:
        """All exports, each profile's oldest first."""
        for queue in self._queues.values():
            yield from queue.exports

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
        """Count ``change`` events of ``size`` bytes that stand in no profile's queue."""
        self.events += change
        self._memory.add(change * size)

    # -- in

    def append(self, export: Export, now: float) -> None:
        """Put an export at the end of the profile's queue."""
        queue = self._queues.get(export.profile_id)
        if queue is None:
            queue = self._queues[export.profile_id] = ProfileQueue()
        queue.exports.append(export)
        self._count(queue, export, 1)
        if len(queue.exports) == 1:
            self.schedule(queue, now)

    def insert(self, replay: Export, now: float) -> None:
        """Put a replay before the profile's waiting exports, after a busy head and after earlier replays.

        A replay waits for no other profile: its event is of a time that is past, and might wait for what waits for it.
        """
        replay.joined = ()
        queue = self._queues.get(replay.profile_id)
        if queue is None:
            self.append(replay, now)
            return
        place = 1 if queue.busy else 0
        while place < len(queue.exports) and queue.exports[place].letter is not None:
            place += 1
        queue.exports.insert(place, replay)
        self._count(queue, replay, 1)
        self.schedule(queue, now)

    def schedule(self, queue: ProfileQueue, now: float) -> None:
        """Put a queue where the head belongs: among the ready queues, in the heap until the head is due, or nowhere."""
        if queue.busy:
            return
        head = queue.exports[0]
        if head.joined and self._holds(queue, head):
            return
        due = head.due
        if due <= now:
            if not queue.ready:
                queue.ready = True
                self._ready.append(queue)
        elif queue.waiting != due:
            queue.waiting = due
            self._sequence += 1
            heapq.heappush(self._waiting, (due, self._sequence, queue))

    def _holds(self, queue: ProfileQueue, head: Export) -> bool:
        """Whether ``head`` must wait, as an earlier export of a profile that its own has absorbed is still in hand.

        Such waits end: each is for an export of the same lane that came earlier, and within a queue exports wait for
        exports that came earlier too, whatever their lanes. Replays wait for none.
        """
        for profile_id in head.joined:
            absorbed = self._queues.get(profile_id)
            if absorbed is None or absorbed is queue:
                continue
            if any(_is_earlier(each, head) for each in absorbed.exports):
                self._held.setdefault(profile_id, {})[queue] = None
                queue.waiting = 0.0
                if queue.ready:
                    queue.ready = False
                    self._ready.remove(queue)
                return True
        head.joined = ()
        return False

    def _look_again(self, held: Iterable[ProfileQueue], now: float) -> None:
        for queue in held:
            if queue.exports:
                self.schedule(queue, now)

    # -- out

    def any_ready(self, now: float) -> bool:
        """Whether any queue may go; queues that are due become ready."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            due, _, queue = heapq.heappop(waiting)
            if queue.waiting == due:
                queue.waiting = 0.0
                if queue.exports:
                    self.schedule(queue, now)
        return bool(self._ready)

    def next_due(self) -> float | None:
        """The time at which the first queue of the heap may go."""
        return self._waiting[0][0] if self._waiting else None

    def launch(self, not_of: str | None = None) -> ProfileQueue:
        """Take the queue that has stood ready longest, preferably of a profile other than ``not_of``."""
        queue = self._ready.popleft()
        if self._ready and queue.exports[0].profile_id == not_of:
            self._ready.append(queue)
            queue = self._ready.popleft()
        queue.ready = False
        queue.in_flight = True
        return queue

    def launch_probe(self, not_of: str | None) -> ProfileQueue | None:
        """Take a queue to probe with, if any is in hand.

        Rather of a profile other than ``not_of``, and rather a ready queue than a queue that waits for a retry.
        """
        if self._ready and (len(self._ready) > 1 or self._ready[0].exports[0].profile_id != not_of):
            return self.launch(not_of)
        waiting = [queue for due, _, queue in sorted(self._waiting) if queue.waiting == due and queue.exports]
        for queue in waiting:
            if queue.exports[0].profile_id != not_of:
                return self._launch_early(queue)
        if self._ready:
            return self.launch()
        return self._launch_early(waiting[0]) if waiting else None

    def _launch_early(self, queue: ProfileQueue) -> ProfileQueue:
        queue.waiting = 0.0
        queue.in_flight = True
        return queue

    def of(self, export: Export) -> ProfileQueue:
        """The queue in which an export stands."""
        return self._queues[export.profile_id]

    def remove_head(self, queue: ProfileQueue, now: float) -> None:
        """Drop the head, which has ended: the profile's next export may go."""
        export = queue.exports.pop(0)
        self._count(queue, export, -1)
        if queue.exports:
            self.schedule(queue, now)
        else:
            del self._queues[export.profile_id]
        if self._held:
            self._look_again(self._held.pop(export.profile_id, ()), now)

    def release(self, lane: str, now: float) -> list[Export]:
        """Let go of a lane's exports, but for busy heads, which are marked as released; return what went.

        Replays go too: the lane's next reader is given them, and must not be overtaken.
        """
        gone: list[Export] = []
        for profile_id, queue in list(self._queues.items()):
            head = queue.exports[0] if queue.busy else None
            if head is not None and head.message.lane == lane:
                head.released = True
            leaving = [each for each in queue.exports if each is not head and each.message.lane == lane]
            if not leaving:
                continue
            for export in leaving:
                queue.exports.remove(export)
                self._count(queue, export, -1)
            gone += leaving
            if queue.exports:
                self.schedule(queue, now)
            else:
                if queue.ready:
                    self._ready.remove(queue)
                del self._queues[profile_id]
        held, self._held = self._held, {}
        for queues in held.values():
            self._look_again(queues, now)
        return gone

    def storing(self, lane: str) -> bool:
        """Whether any export of ``lane`` is becoming a dead letter."""
        return any(queue.storing and queue.exports[0].message.lane == lane for queue in self._queues.values())

    def _count(self, queue: ProfileQueue, export: Export, change: int) -> None:
        size = change * (len(export.message.body) + len(export.body) + OVERHEAD_BYTES)
        self.events += change
        self._memory.add(size)
        queue.bytes += size
        events = len(queue.exports)
        if events <= 1 and not queue.overfull:
            return
        overfull = events > 1 and (events * 4 >= self._window_events or queue.bytes * 4 >= self._window_bytes)
        if overfull is not queue.overfull:
            queue.overfull = overfull
            self._overfull += 1 if overfull else -1


def _is_earlier(export: Export, than: Export) -> bool:
    """Whether an export stood before ``than`` in the lane of both; a foreign export's position says nothing."""
    mine, other = export.message, than.message
    return mine.lane == other.lane and mine.position < other.position and not export.foreign
