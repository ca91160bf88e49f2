"""A queue in the memory of a process, for tests and for embedding. The events end with the process."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import Field

from exporter.messages.message import Message
from exporter.queues.port import Batch, GroupInUse, Lag, Numbered, Outgoing, Position, QueueFull, SeekResult, Start
from exporter.queues.positions import lag_of, nearest
from exporter.queues.progress.retention import GivenUp, GroupPosition, passed
from exporter.queues.progress.settled import LaneProgress, count, decode
from exporter.sections.quantities import Size
from exporter.sections.section import Section

_LANE = "0"


class MemorySettings(Section):
    """The section ``queue`` of the configuration for kind ``memory``."""

    kind: Literal["memory"] = "memory"
    max_bytes: Annotated[int, Size(above=0)] = Field(
        256 * 1024**2, description="Publishing fails beyond it; nothing unread is dropped."
    )
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")


@asynccontextmanager
async def open_memory(
    *, max_bytes: int, groups: Collection[str], warn: Callable[[str], None]
) -> AsyncIterator[MemoryQueue]:
    """A new, empty queue, for the length of the context. ``groups`` and ``warn`` are as for ``open_queue``."""
    yield MemoryQueue(max_bytes, groups, warn)


class _Group:
    """A group's progress, and when it was last read."""

    def __init__(self, settled_to: int) -> None:
        self.progress = LaneProgress(settled_to)
        self.seen_at = time.time()

    def begin_again(self) -> None:
        """Let messages that were received and not settled be received once more."""
        settled_to, ranges = self.progress.committed()
        self.progress = LaneProgress(settled_to, decode(settled_to, ranges))


class MemoryQueue:
    """``Queue`` in the memory of this process."""

    def __init__(self, max_bytes: int, groups: Collection[str], warn: Callable[[str], None]) -> None:
        self._name = f"memory-{uuid4().hex}"
        self._max_bytes = max_bytes
        self._named = groups
        self._given_up = GivenUp(warn)
        self._messages: list[Message] = []
        self._positions: list[int] = []
        self._bytes = 0
        self.last = 0
        self._groups: dict[str, _Group] = {}
        self._highest: dict[str, int] = {}  # the highest number of each producer
        self._readers: dict[str, asyncio.Lock] = {}
        self._grown = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        """Durable as far as memory is."""
        if numbered is None or not messages:
            self._append(messages)
            return 0
        highest = self._highest.get(numbered.producer, 0)
        fresh = messages[numbered.passed(highest) :]
        self._append(fresh)
        self._highest[numbered.producer] = max(highest, numbered.last(len(messages)))
        return len(messages) - len(fresh)

    async def max_event_bytes(self, producer: str) -> int | None:  # noqa: ARG002
        return self._max_bytes

    def _append(self, messages: Sequence[Outgoing]) -> None:
        size = sum(len(message.body) for message in messages)
        self._forget_passed()
        if self._bytes + size > self._max_bytes:
            raise QueueFull(f"the queue holds {self._bytes} bytes of at most {self._max_bytes}")
        now = time.time()
        for message in messages:
            self.last += 1
            self._messages.append(Message(_LANE, self.last, message.body, now))
            self._positions.append(self.last)
        self._bytes += size
        self._grown.set()
        self._grown = asyncio.Event()

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[MemorySubscription]:
        async with self._readers.setdefault(group, asyncio.Lock()):
            standing = self._groups.get(group)
            if standing is None:
                standing = self._groups[group] = _Group(self._before(start))
            standing.begin_again()
            try:
                yield MemorySubscription(self, standing)
            finally:
                standing.seen_at = time.time()

    async def badges(self, group: str) -> Collection[str]:  # noqa: ARG002 - there is no other process
        return ()

    @property
    def silence_seconds(self) -> float:
        return 0.0

    async def positions(self) -> Sequence[Position]:
        return [self._position(name, group) for name, group in sorted(self._groups.items())]

    def _position(self, name: str, group: _Group) -> Position:
        settled_to, ranges = group.progress.committed()
        beyond = count(decode(settled_to, ranges))
        lag = self.last - settled_to - beyond
        return Position(name, _LANE, settled_to, beyond, lag, self._read_by_somebody(name), group.seen_at, self.last)

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        """A target outside of the queue becomes its nearest end."""
        standing = self._unread(group)
        found = nearest(_LANE, target, self._before("earliest") + 1, self.last)
        standing.progress = LaneProgress(found.next - 1)
        return [found]

    async def drop(self, group: str) -> None:
        self._unread(group)
        del self._groups[group]

    async def check(self) -> None:
        """Memory always works."""

    async def after(self, position: int, limit: int) -> Sequence[Message]:
        """Wait until messages follow ``position``, and return at most ``limit``."""
        while not self._positions or self._positions[-1] <= position:
            await self._grown.wait()
        begin = bisect_right(self._positions, position)
        return self._messages[begin : begin + limit]

    def _unread(self, group: str) -> _Group:
        if self._read_by_somebody(group):
            raise GroupInUse(group)
        return self._groups[group]

    def _read_by_somebody(self, group: str) -> bool:
        lock = self._readers.get(group)
        return lock is not None and lock.locked()

    def _before(self, start: Start) -> int:
        return self.last if start == "latest" else self.last - len(self._messages)

    def _forget_passed(self) -> None:
        now = time.time()
        for name, group in self._groups.items():
            if self._read_by_somebody(name):
                group.seen_at = now
        places = [
            GroupPosition(name, group.progress.committed().settled_to, group.seen_at)
            for name, group in self._groups.items()
        ]
        to, given_up = passed(places, self._named, now)
        self._given_up.tell(given_up)
        if to is None:
            return
        end = bisect_right(self._positions, to)
        self._bytes -= sum(len(message.body) for message in self._messages[:end])
        del self._messages[:end]
        del self._positions[:end]


class MemorySubscription:
    """``Subscription`` to a queue in memory."""

    def __init__(self, queue: MemoryQueue, group: _Group) -> None:
        self._queue = queue
        self._progress = group.progress
        self._in_hand: dict[int, float] = {}

    async def receive(self, limit: int) -> Batch:
        await asyncio.sleep(0)
        if limit <= 0:
            await asyncio.Event().wait()
        while True:
            found = await self._queue.after(self._progress.received_to, limit)
            messages = [message for message in found if self._progress.received(message.position)]
            if messages:
                self._in_hand.update((message.position, message.taken_at) for message in messages)
                return Batch(messages)

    def reads(self, lane: str | None) -> bool:  # noqa: ARG002
        """The only reader has every lane."""
        return True

    def knows(self, lane: str) -> bool:  # noqa: ARG002 - there is only one
        return True

    def settle(self, message: Message) -> None:
        self._progress.settle(message.position)
        self._in_hand.pop(message.position, None)

    async def commit(self) -> None:
        """In memory nothing is more durable than ``settle``."""

    def lag(self) -> Lag:
        messages = self._queue.last - self._progress.received_to + len(self._in_hand)
        return lag_of(messages, next(iter(self._in_hand.values()), None))
