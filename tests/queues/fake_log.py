"""A log queue with several lanes that a test takes away and gives back, as a broker does when readers come and go.

Positions have gaps, each lane counts for itself, and every commit is kept in ``FakeLog.commits`` to look at.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field

from exporter.messages.message import Message
from exporter.queues.port import (
    COMMIT_SECONDS,
    Batch,
    GroupInUse,
    Lag,
    LaneLost,
    Numbered,
    Outgoing,
    Position,
    QueueUnavailable,
    SeekResult,
    Start,
)
from exporter.queues.positions import nearest
from exporter.queues.progress.settled import Committed, LaneProgress, decode


@dataclass(frozen=True)
class Commit:
    """One lane's position made durable."""

    group: str
    lane: str
    settled_to: int
    ranges: tuple[tuple[int, int], ...]


@dataclass
class _Lane:
    name: str
    messages: list[Message] = field(default_factory=list)
    last: int = 0


class FakeLog:
    """See ``exporter.queues.port.Queue``.

    ``lane_of`` says where a key's messages go; ``broken``, when set, is why nothing works.
    """

    def __init__(self, lanes: int = 4) -> None:
        self.commits: list[Commit] = []
        self.broken: str | None = None
        self.commit_seconds = COMMIT_SECONDS
        self._lanes = {str(index): _Lane(str(index)) for index in range(lanes)}
        self._committed: dict[tuple[str, str], Committed] = {}
        self._highest: dict[str, int] = {}
        self._readers: dict[str, asyncio.Lock] = {}
        self._reading: dict[str, FakeSubscription] = {}
        self._away: dict[str, set[str]] = {}
        self._grown = asyncio.Event()

    @property
    def name(self) -> str:
        return "fake"

    @property
    def lanes(self) -> Sequence[str]:
        return list(self._lanes)

    def lane_of(self, key: str | None) -> str:
        return str(zlib.crc32((key or "").encode()) % len(self._lanes))

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        self.refuse_if_broken()
        left_out = 0
        if numbered is not None and messages:
            highest = self._highest.get(numbered.producer, 0)
            self._highest[numbered.producer] = max(highest, numbered.last(len(messages)))
            fresh = messages[numbered.passed(highest) :]
            left_out, messages = len(messages) - len(fresh), fresh
        for message in messages:
            lane = self._lanes[self.lane_of(message.key)]
            lane.last += 1 + lane.last % 3  # gaps of different widths
            lane.messages.append(Message(lane.name, lane.last, message.body, time.time()))
        self.wake()
        return left_out

    async def max_event_bytes(self, producer: str) -> int | None:
        return None

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[FakeSubscription]:
        async with self._readers.setdefault(group, asyncio.Lock()):
            self.refuse_if_broken()
            for lane in self._lanes.values():
                self._committed.setdefault((group, lane.name), Committed(lane.last if start == "latest" else 0, b""))
            subscription = self._reading[group] = FakeSubscription(self, group)
            for name in self._lanes:
                if name not in self._away.get(group, ()):
                    subscription.gain(name)
            failure: BaseException | None = None
            async with asyncio.TaskGroup() as tasks:
                committing = tasks.create_task(subscription.commit_in_time())
                try:
                    yield subscription
                except BaseException as error:
                    failure = error
                committing.cancel()
                del self._reading[group]
                subscription.try_to_commit()
            if failure is not None:
                raise failure

    def take(self, group: str, lane: str, *, planned: bool) -> None:
        """Take a lane away from a group's reader, as a broker does: it says so, or it just gives it to another."""
        self._away.setdefault(group, set()).add(lane)
        if group in self._reading:
            self._reading[group].lose(lane, planned=planned)

    def give(self, group: str, lane: str) -> None:
        """Give it back: it is read from what was committed. A planned loss must have been completed before."""
        self._away[group].remove(lane)
        if group in self._reading:
            self._reading[group].gain(lane)

    async def badges(self, group: str) -> Collection[str]:
        return ()

    @property
    def silence_seconds(self) -> float:
        return 0.0

    async def positions(self) -> Sequence[Position]:
        self.refuse_if_broken()
        found = []
        for (group, lane), (settled_to, ranges) in sorted(self._committed.items()):
            done = decode(settled_to, ranges)
            rest = [message.position for message in self._lanes[lane].messages if message.position > settled_to]
            beyond = sum(any(first <= position <= last for first, last in done) for position in rest)
            reader = self._read_by_somebody(group)
            found.append(
                Position(group, lane, settled_to, beyond, len(rest) - beyond, reader, None, self._lanes[lane].last)
            )
        return found

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        found = [nearest(lane, target, 1, self._lanes[lane].last) for _, lane in self._unread(group)]
        for sought in found:
            self._committed[group, sought.lane] = Committed(sought.next - 1, b"")
        return found

    async def drop(self, group: str) -> None:
        for key in self._unread(group):
            del self._committed[key]

    async def check(self) -> None:
        self.refuse_if_broken()

    # For the subscription.

    def refuse_if_broken(self) -> None:
        if self.broken is not None:
            raise QueueUnavailable(self.broken)

    def wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    def growth(self) -> asyncio.Event:
        return self._grown

    def after(self, lane: str, position: int, limit: int) -> Sequence[Message]:
        return [message for message in self._lanes[lane].messages if message.position > position][:limit]

    def committed(self, group: str, lane: str) -> Committed:
        return self._committed[group, lane]

    def commit(self, group: str, lane: str, committed: Committed) -> None:
        self.refuse_if_broken()
        if committed != self._committed[group, lane]:
            self._committed[group, lane] = committed
            settled_to, ranges = committed
            self.commits.append(Commit(group, lane, settled_to, tuple(decode(settled_to, ranges))))

    def _read_by_somebody(self, group: str) -> bool:
        return group in self._readers and self._readers[group].locked()

    def _unread(self, group: str) -> list[tuple[str, str]]:
        if self._read_by_somebody(group):
            raise GroupInUse(group)
        keys = [key for key in self._committed if key[0] == group]
        if not keys:
            raise KeyError(group)
        return keys


class FakeSubscription:
    """See ``exporter.queues.port.Subscription``."""

    def __init__(self, log: FakeLog, group: str) -> None:
        self._log = log
        self._group = group
        self._progress: dict[str, LaneProgress] = {}
        self._handed_out: dict[str, set[Message]] = {}
        self._ever: set[Message] = set()
        self._leaving: set[str] = set()  # planned, not yet completed
        self._news: deque[LaneLost] = deque()
        self._turn = 0

    async def receive(self, limit: int) -> Batch | LaneLost:
        await asyncio.sleep(0)
        while True:
            self._log.refuse_if_broken()
            told = [lane for lane in self._leaving if LaneLost(lane, planned=True) not in self._news]
            for lane in told:
                self._commit(lane)  # what was in flight has ended: the loss is complete
                self._leaving.remove(lane)
                del self._progress[lane], self._handed_out[lane]
            if self._news:
                return self._news.popleft()
            growth = self._log.growth()
            batch = self._next(limit)
            if batch is not None:
                return batch
            await growth.wait()

    def settle(self, message: Message) -> None:
        # A message of a lane that went and came back is not the one that is read again now.
        if message in self._handed_out.get(message.lane, ()):
            self._progress[message.lane].settle(message.position)
        elif message not in self._ever:
            raise ValueError(f"{message.lane}-{message.position} was never received")

    async def commit(self) -> None:
        await asyncio.sleep(0)
        for lane in self._progress:
            self._commit(lane)

    def reads(self, lane: str | None) -> bool:
        held = "0" if lane is None else lane
        return held in self._progress and held not in self._leaving

    def knows(self, lane: str) -> bool:
        return lane in self._log.lanes

    def lag(self) -> Lag:
        messages = sum(
            progress.unsettled() + len(self._log.after(lane, progress.received_to, 1_000_000))
            for lane, progress in self._progress.items()
        )
        return Lag(messages, None)

    # For the log.

    def gain(self, lane: str) -> None:
        settled_to, ranges = self._log.committed(self._group, lane)
        self._progress[lane] = LaneProgress(settled_to, decode(settled_to, ranges))
        self._handed_out[lane] = set()
        self._log.wake()

    def lose(self, lane: str, *, planned: bool) -> None:
        self._news.append(LaneLost(lane, planned))
        if planned:
            self._leaving.add(lane)
        else:
            self._leaving.discard(lane)
            del self._progress[lane], self._handed_out[lane]
        self._log.wake()

    async def commit_in_time(self) -> None:
        while True:
            await asyncio.sleep(self._log.commit_seconds)
            self.try_to_commit()

    def try_to_commit(self) -> None:
        for lane in self._progress:
            if self._log.broken is None:
                self._commit(lane)

    def _commit(self, lane: str) -> None:
        self._log.commit(self._group, lane, self._progress[lane].committed())

    def _next(self, limit: int) -> Batch | None:
        """Lanes take turns; a batch has messages of one lane."""
        lanes = [lane for lane in self._progress if lane not in self._leaving]
        for offset in range(len(lanes)):
            lane = lanes[(self._turn + offset) % len(lanes)]
            progress = self._progress[lane]
            while found := self._log.after(lane, progress.received_to, limit):
                messages = [copy(message) for message in found if progress.received(message.position)]
                if messages:
                    self._handed_out[lane].update(messages)
                    self._ever.update(messages)
                    self._turn += 1
                    return Batch(messages)
        return None
