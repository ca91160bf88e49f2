"""A group's subscription to a stream."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from exporter.messages.message import Message
from exporter.queues.jetstream.commits import Commits
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.deleted import Deleted
from exporter.queues.jetstream.fetch import Fetch
from exporter.queues.jetstream.group_record import Record
from exporter.queues.jetstream.lease import Lease
from exporter.queues.jetstream.stream import Stream, StreamState
from exporter.queues.port import Batch, Lag, LaneLost, QueueUnavailable
from exporter.queues.positions import lag_of
from exporter.queues.progress.settled import LaneProgress
from exporter.tasks.waiting import wait_at_most

#: How often ``receive`` looks, while nothing comes, whether the servers are still heard.
_LOOK_SECONDS = 1.0
#: A stream with replicas may be shorter for a moment, after a change of leader.
_SHORTER_LOOKS = 3


class JetStreamSubscription:
    """``Subscription`` to a stream, the one lane, and the ``LeaseHolder``. Made by ``JetStreamQueue.subscribe``."""

    def __init__(self, link: Link, stream: Stream, lease: Lease, record: Record, warn: Callable[[str], None]) -> None:
        self._group = lease.group
        self._lease = lease
        self._warn = warn
        self._gaps = Deleted(self._group, warn)
        self._wake = asyncio.Event()
        self._news: deque[LaneLost] = deque()
        self._in_hand: dict[int, Message] = {}  # in the order of the queue
        self._was_lost = False
        self._away = False
        self._looks = 0
        self._first = 1
        self._last = 0
        self.commits = Commits(lease, self)
        self._source = Fetch(link, stream, self._opening, self._missing, self._wake.set)
        self._begin(record)

    async def receive(self, limit: int) -> Batch | LaneLost:
        """The lane is lost when the lease is not certain any more."""
        await asyncio.sleep(0)
        while True:
            self._wake.clear()
            if self._news:
                return self._news.popleft()
            if self.commits.failure is not None:
                raise QueueUnavailable(f"positions cannot be written: {self.commits.failure}")
            if limit <= 0 or self._away or not self._lease.holds or self._progress.full:
                await wait_at_most(_LOOK_SECONDS, self._wake)
                continue
            failure: QueueUnavailable | None = None
            try:
                await self._source.ask()
            except QueueUnavailable as error:
                failure = error
            # Nothing from here to ``return`` waits, so a cancelled call has taken nothing.
            messages = self._take(limit)
            if messages:
                return Batch(messages)
            if failure is not None:
                raise failure
            if not self._source.buffer:
                await wait_at_most(_LOOK_SECONDS, self._wake)

    def settle(self, message: Message) -> None:
        if self._in_hand.get(message.position) is message:
            del self._in_hand[message.position]
            self._progress.settle(message.position)
            self.commits.note()
        elif not self._was_lost:
            self._progress.settle(message.position)

    def reads(self, lane: str | None) -> bool:  # noqa: ARG002 - the one reader has all
        return not self._away and self._lease.holds

    def knows(self, lane: str) -> bool:
        return lane == self._lane

    async def commit(self) -> None:
        await self.commits.commit()

    def lag(self) -> Lag:
        """Events published elsewhere count after a second at the latest.

        Events deleted from within the stream count until the reading has passed them.
        """
        unread = max(0, self._last - max(self._progress.received_to, self._first - 1))
        oldest = next(iter(self._in_hand.values()), None) or (self._source.buffer[0] if self._source.buffer else None)
        return lag_of(unread + len(self._in_hand), None if oldest is None else oldest.taken_at)

    # -- for the queue

    def grew(self, last: int) -> None:
        """Note that the stream's last sequence number is at least ``last``."""
        self._last = max(self._last, last)

    @property
    def read_to(self) -> int:
        """The last sequence number that came or was passed."""
        return self._source.next - 1

    def looked(self, state: StreamState, read_to: int) -> None:
        """Note the stream's state, asked for when ``read_to`` had come; called every second."""
        self._gaps.tell()
        if state.created != self._stream or state.last < read_to:
            self._source.reopen()
            return
        self._first = state.first
        self.grew(state.last)
        gone = state.first > self._source.next and not self._source.buffer
        self._looks = self._looks + 1 if gone else 0
        if self._looks > 1:  # messages under way have come by now
            self._looks = 0
            self._missing(self._source.next, state.first - 1)
            self._source.next = state.first

    async def end(self) -> None:
        """Stop reading; warn of gaps not told yet."""
        self._gaps.tell_all()
        await self._source.end()

    # -- for ``commits``: see ``LeaseHolder``

    def standing(self) -> Record:
        """The positions to be written. Also lets ``receive`` go on once the ranges fit again."""
        was_full = self._progress.full
        settled_to, ranges = self._progress.committed()
        if was_full and not self._progress.full:
            self._wake.set()
        return Record(self._stream, self._lane, settled_to, ranges)

    def lease_lost(self) -> None:
        """Take the lane away."""
        self._away = True
        self._lose()
        self._source.begin(self._lane, self._source.next)

    def lease_regained(self, record: Record, undisturbed: bool) -> None:
        """Read on from the record. Positions settled since the last write are kept if ``undisturbed``."""
        self._away = False
        self._begin(self.standing() if undisturbed else record)
        self._wake.set()

    def changed(self) -> None:
        """Let ``receive`` look again."""
        self._wake.set()

    # -- reading

    def _take(self, limit: int) -> list[Message]:
        """Messages to hand out; none if the lane was lost while more were asked for."""
        if self._news or self._away or not self._lease.holds:
            return []
        taken: list[Message] = []
        buffer = self._source.buffer
        while buffer and len(taken) < limit:
            message = buffer.popleft()
            if self._progress.received(message.position):
                taken.append(message)
        self._in_hand.update((message.position, message) for message in taken)
        if taken:
            self.grew(taken[-1].position)
        return taken

    def _begin(self, record: Record) -> None:
        self._stream = record.stream
        self._lane = record.lane
        self._settled = record.beyond()
        self._progress = LaneProgress(record.settled_to, self._settled)
        self._in_hand.clear()
        self._source.begin(record.lane, record.settled_to + 1)

    def _lose(self) -> None:
        self._was_lost = True
        self._news.append(LaneLost(self._lane, planned=False))
        self._wake.set()

    def _missing(self, first: int, last: int) -> None:
        self._gaps.missing(first, last, self._settled)

    def _opening(self, state: StreamState) -> bool:
        """Compare the stream with the events read so far; False to look again before reading on."""
        if state.created != self._stream:
            self._anew(Record(state.created, state.lane, state.first - 1), "was deleted and made anew")
        elif state.last < self._source.next - 1:
            self._looks += 1
            if state.replicas > 1 and self._looks < _SHORTER_LOOKS:
                return False
            lane = str(time.time_ns() // 1000)  # a time, as in earlier names, and later
            said = f"ends at {state.last}, although event {self._source.next - 1} was read: its servers lost the rest"
            self._anew(Record(state.created, lane, state.last), said)
        self._looks = 0
        if state.first > self._source.next:
            self._missing(self._source.next, state.first - 1)
            self._source.next = state.first
        self._first, self._last = state.first, state.last
        return True

    def _anew(self, record: Record, why: str) -> None:
        """Lose the lane and begin at ``record``, since sequence numbers stand for other events now."""
        self._warn(f"group {self._group}: the stream {why}; it goes on after event {record.settled_to}")
        self._lose()
        self._begin(record)
        self.commits.note()
