"""Keeps records on a queue, in groups: what comes while a group is on its way is the next group."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.queues.port import EventTooLarge, Outgoing, QueueFull, QueueUnavailable
from exporter.source.collection.checks.collected import Keyed

#: A group is closed when it has that many records or bytes; a request is never divided.
GROUP_RECORDS = 500
GROUP_BYTES = 4 * 1024 * 1024
#: The wait before a group that could not be put on the queue is tried again, in seconds.
AGAIN_SECONDS = 0.1
#: How long a failure counts: where nobody sends any more, nobody knows whether the queue would take records again.
FAILURE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """The records of a group are durable, but for those whose names are in ``too_large`` for the queue ever to take."""

    too_large: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NotKept:
    """The queue could not take the records in time; whether it has taken some of them is unknown."""

    reason: str


Outcome = Kept | NotKept


class Pending:
    """Records on their way, which any number of requests may share. To be awaited, or to be told of.

    Who awaits may be cancelled: that disturbs nobody else. What ``then`` is given is called in the very turn of the
    event loop in which the outcome is known, since a call in a later turn costs as much as many an answer.
    """

    __slots__ = ("_calls", "_outcome")

    def __init__(self) -> None:
        self._outcome: Outcome | None = None
        self._calls: list[Callable[[Outcome], None]] = []

    def done(self) -> bool:
        """Whether the outcome is known."""
        return self._outcome is not None

    def then(self, call: Callable[[Outcome], None]) -> None:
        """Call ``call`` with the outcome, at once where it is known."""
        if self._outcome is None:
            self._calls.append(call)
        else:
            call(self._outcome)

    def settle(self, outcome: Outcome) -> None:
        """Tell everybody; once. An error of one call keeps nothing from the others, and goes to the event loop."""
        self._outcome = outcome
        calls, self._calls = self._calls, []
        for call in calls:
            try:
                call(outcome)
            except Exception as error:
                context = {"message": "a request could not be told that it is kept", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    def __await__(self) -> Generator[Any, None, Outcome]:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.then(lambda outcome: None if future.done() else future.set_result(outcome))
        return (yield from future.__await__())


class Keep(Protocol):
    """Makes records durable."""

    def __call__(self, records: Sequence[Keyed]) -> Pending:
        """Begin to make ``records`` durable; the outcome says when they are, or could not be made so."""
        ...


class Publishing(Protocol):
    """The part of the port ``Queue`` that is used."""

    async def publish(self, messages: Sequence[Outgoing]) -> object:
        """Make the messages durable, in their order. Raises as ``Queue.publish``."""
        ...


@dataclass(slots=True, eq=False)
class _Group:
    deadline: float
    done: Pending = field(default_factory=Pending)
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
        taken: is told of every group that is kept: how many records, by flow. Must not raise.
    """

    def __init__(
        self, queue: Publishing, hold_seconds: float, taken: Callable[[Mapping[str, int]], None] | None = None
    ) -> None:
        self._taken = taken
        self._queue = queue
        self.hold_seconds = hold_seconds
        self._loop = asyncio.get_running_loop()
        self._failed: tuple[float, str] | None = None
        self._groups: deque[_Group] = deque()
        self._waiting = asyncio.Event()

    @property
    def failure(self) -> str | None:
        """Why the queue took no records when it was tried last, some seconds ago at most; None where it takes them."""
        if self._failed is None or self._loop.time() - self._failed[0] > FAILURE_SECONDS:
            return None
        return f"the intake takes no records: {self._failed[1]}"

    def keep(self, records: Sequence[Keyed]) -> Pending:
        """Put the records into the group that is filled now; the outcome comes with that of the whole group."""
        group = self._groups[-1] if self._groups else None
        if group is None or group.full:
            group = _Group(self._loop.time() + self.hold_seconds)
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
                if self._taken is not None and isinstance(outcome, Kept):
                    self._taken(_by_flow(group.records, outcome.too_large))
                group.done.settle(outcome)
                group = None
        finally:
            left = [*([group] if group is not None else []), *self._groups]
            self._groups.clear()
            for each in left:
                if not each.done.done():
                    each.done.settle(NotKept("the intake has ended"))

    async def _publish(self, group: _Group) -> Outcome:
        messages = [Outgoing(each.key, each.record.to_bytes()) for each in group.records]
        reason = "the intake did not answer in time"
        while self._loop.time() < group.deadline:
            try:
                await self._queue.publish(messages)
            except EventTooLarge as error:
                self._failed = None
                return Kept(frozenset(group.records[index].record.xaction_id for index in error.indexes))
            except (QueueFull, QueueUnavailable) as error:
                reason = str(error)
                self._failed = self._loop.time(), reason
            else:
                self._failed = None
                return Kept()
            await asyncio.sleep(AGAIN_SECONDS)
        return NotKept(reason)


def _by_flow(records: Sequence[Keyed], too_large: frozenset[str]) -> Mapping[str, int]:
    """How many records are kept, by flow."""
    if too_large:
        return Counter(each.record.flow for each in records if each.record.xaction_id not in too_large)
    return Counter([each.record.flow for each in records])
