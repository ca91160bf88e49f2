"""Keeps records on a queue, in groups: what comes while a group is on its way is the next group."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.queues.port import EventTooLarge, Outgoing, QueueFull, QueueUnavailable
from exporter.source.collection.checks.collecting import Keyed

#: A group is closed when it has that many records or bytes; a request is never divided.
GROUP_RECORDS = 500
GROUP_BYTES = 4 * 1024 * 1024
#: The wait before a group that could not be put on the queue is tried again, in seconds.
AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Kept:
    """The records of a group are durable, but for those whose names are in ``too_large`` for the queue ever to take."""

    too_large: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NotKept:
    """The queue could not take the records in time; whether it has taken some of them is unknown."""

    reason: str


Outcome = Kept | NotKept


class Keep(Protocol):
    """Makes records durable."""

    def __call__(self, records: Sequence[Keyed]) -> asyncio.Future[Outcome]:
        """A future that is done when the records are durable, or could not be made so.

        Requests share it, so it must not be cancelled: wait for it by ``asyncio.shield``.
        """
        ...


class Publishing(Protocol):
    """The part of the port ``Queue`` that is used."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """See ``Queue.publish``."""
        ...


@dataclass(slots=True, eq=False)
class _Group:
    done: asyncio.Future[Outcome]
    deadline: float
    records: list[Keyed] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        return len(self.records) >= GROUP_RECORDS or self.size >= GROUP_BYTES


class Intake:
    """Records on their way to a queue, one group at a time, in the order in which they came. ``run`` does the work.

    Args:
        queue: the intake's queue, of any kind.
        hold_seconds: how long a group is tried again where the queue is full or away. Then ``NotKept``.
    """

    def __init__(self, queue: Publishing, hold_seconds: float) -> None:
        self._queue = queue
        self.hold_seconds = hold_seconds
        self._loop = asyncio.get_running_loop()
        self._groups: deque[_Group] = deque()
        self._waiting = asyncio.Event()

    def keep(self, records: Sequence[Keyed]) -> asyncio.Future[Outcome]:
        """See ``Keep``."""
        group = self._groups[-1] if self._groups else None
        if group is None or group.full:
            group = _Group(self._loop.create_future(), self._loop.time() + self.hold_seconds)
            self._groups.append(group)
            self._waiting.set()
        group.records.extend(records)
        for each in records:
            group.size += len(each.record.body)
        return group.done

    async def run(self) -> None:
        """Publish groups until cancelled; then, and where the queue raises what it must not, what waits is not kept."""
        group: _Group | None = None
        try:
            while True:
                await self._waiting.wait()
                group = self._groups.popleft()
                if not self._groups:
                    self._waiting.clear()
                outcome = await self._publish(group)
                group.done.set_result(outcome)
                group = None
        finally:
            left = [*([group] if group is not None else []), *self._groups]
            self._groups.clear()
            for each in left:
                if not each.done.done():
                    each.done.set_result(NotKept("the intake has ended"))

    async def _publish(self, group: _Group) -> Outcome:
        messages = [Outgoing(each.key, each.record.to_bytes()) for each in group.records]
        reason = "the intake did not answer in time"
        while self._loop.time() < group.deadline:
            try:
                await self._queue.publish(messages)
            except EventTooLarge as error:
                return Kept(frozenset(group.records[index].record.xaction_id for index in error.indexes))
            except (QueueFull, QueueUnavailable) as error:
                reason = str(error)
            else:
                return Kept()
            await asyncio.sleep(AGAIN_SECONDS)
        return NotKept(reason)
