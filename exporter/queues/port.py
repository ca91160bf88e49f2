"""The port that every queue implements: publish, subscribe, receive, settle, commit.

Contract (DESIGN §5), held by ``tests/queues/contract.py`` for every kind:

* ``publish`` is durable when it returns.
* One reader per group is the queue's duty: entering a second subscription of a group waits as a standby
  until the first one is gone, however that ended.
* Within a lane positions grow; a profile's messages stand in one lane.
* ``receive`` waits for at least one message and is safe to cancel: what was not returned is returned later.
  It always gives the event loop a turn.
* ``settle`` only notes; what is settled becomes durable in batches on its own, at the latest after
  ``COMMIT_SECONDS``, and when ``commit`` returns. A position is never committed past an unsettled one;
  what is settled beyond the first hole is kept as ranges, and a restart skips it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

Start = Literal["earliest", "latest"]

COMMIT_SECONDS = 0.025
COMMIT_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event to put on a queue; ``key`` is the profile's id where the event has one."""

    key: str | None
    body: bytes


class Message(msgspec.Struct, eq=False, gc=False):
    """One event as the queue hands it out; ``body`` is empty where there is none (a tombstone), which is no fault.

    ``taken_at`` is when the queue took it, in epoch seconds; ``event_id`` is an id that the queue carries
    beside the body (a record header), where it has one; ``fault`` is what is wrong with what it holds, in words without
    data, where that is no event at all. Groups of one process may share a message: nobody changes it.
    """

    lane: str
    position: int
    body: bytes
    taken_at: float
    event_id: str | None = None
    fault: str | None = None

    def __repr__(self) -> str:
        return f"Message({self.lane}-{self.position}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Batch:
    """At least one message, in the order of the queue."""

    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class LaneLost:
    """The queue took this lane away.

    ``planned``: what is in flight may finish and be settled first; the loss is complete when the dataflow
    calls ``receive`` again. Otherwise it already belongs to somebody else.
    """

    lane: str
    planned: bool


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a group is: unsettled and unread messages, and the age of the oldest in seconds.

    None where the kind does not know.
    """

    messages: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a group stands in one lane: all up to ``settled_to`` is settled, plus ``beyond`` messages after it."""

    group: str
    lane: str
    settled_to: int
    beyond: int
    lag: int | None
    reader: bool
    seen_at: float | None


#: What a seek met: a place that is there; events that were deleted; an end that is nearer than what was asked for.
Clipped = Literal["", "gone", "beyond_end"]


@dataclass(frozen=True, slots=True)
class Sought:
    """Where a seek put a group in one lane.

    No position below ``next`` is read from now on. ``clipped`` says why that is not what was asked for, if so:
    "gone", events from there on were deleted, and ``next`` is where those begin that are kept; "beyond_end", so many
    were never published, and ``next`` is the first that will be.
    """

    lane: str
    next: int
    clipped: Clipped = ""


class QueueUnavailable(Exception):
    """The queue cannot be reached or refuses to work now; the same call may succeed later."""


class QueueFull(Exception):
    """The queue holds ``max_bytes`` of unread events; nothing of this call was published."""


class EventTooLarge(Exception):
    """The queue never takes some events of a call, whose ``indexes`` in it these are. All others were published."""

    def __init__(self, reason: str, indexes: Sequence[int]) -> None:
        super().__init__(reason)
        self.indexes = indexes


class GroupInUse(Exception):
    """A daemon reads this group, so its position cannot be changed."""


class Subscription(Protocol):
    """One group's reading of the queue. Owns commit timing and keep-alive."""

    async def receive(self, limit: int) -> Batch | LaneLost:
        """Wait for at least one message and return at most ``limit``, or say that a lane was lost.

        With a limit of 0 it waits for the loss of a lane alone: a dataflow whose window is full must hear of it too.

        Raises:
            QueueUnavailable: the queue cannot be read now.
        """
        ...

    def settle(self, message: Message) -> None:
        """Note that this message is done with. Never blocks; twice, or after its lane was lost, is harmless.

        Raises:
            ValueError: this subscription never handed it out.
        """
        ...

    async def commit(self) -> None:
        """Return when all that was settled so far is durable.

        Raises:
            QueueUnavailable: it could not be made durable.
        """
        ...

    def reads(self, lane: str | None) -> bool:
        """Whether this lane is ours to read now, as far as is known without asking the queue.

        None stands for every lane that is not of this queue: of all that read the group at most one says so.
        """
        ...

    def knows(self, lane: str) -> bool:
        """Whether this is a lane of the queue as it is now, whoever reads it.

        No: it is one of a queue of the same name that was there before; its positions say nothing about others.
        """
        ...

    def lag(self) -> Lag:
        """How far behind this group is, as far as it is known without asking the queue."""
        ...


class Queue(Protocol):
    """An open queue."""

    @property
    def name(self) -> str:
        """With a lane's name, one that never stands for another queue's messages: event ids are made from both."""
        ...

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Put messages on the queue, in order; durable when it returns.

        Raises:
            EventTooLarge: all was published but what is too large for the queue.
            QueueFull: nothing was published.
            QueueUnavailable: whether it was published is unknown.
        """
        ...

    def subscribe(self, group: str, start: Start) -> AbstractAsyncContextManager[Subscription]:
        """Become the one reader of ``group``; a new group begins at ``start``. Entering waits as a standby.

        Leaving makes a last attempt to commit what was settled; call ``commit`` before to know that it worked.

        Raises:
            QueueUnavailable: on entering.
        """
        ...

    async def badges(self, group: str) -> Collection[str]:
        """What those who read this group now said of themselves when they opened the queue, ours among it.

        Who said nothing is left out. One that ended without a word is still there for ``silence_seconds``.

        Raises:
            QueueUnavailable: it cannot be told now.
        """
        ...

    @property
    def silence_seconds(self) -> float:
        """After so long without a sign, whoever read a group is taken to be gone."""
        ...

    async def positions(self) -> Sequence[Position]:
        """Where every known group stands."""
        ...

    async def seek(self, group: str, target: int | Start) -> Sequence[Sought]:
        """Make ``target`` the next position that ``group`` reads, or the nearest that there is; says so of every lane.

        Raises:
            GroupInUse: a daemon reads the group.
            KeyError: there is no such group.
        """
        ...

    async def drop(self, group: str) -> None:
        """Forget the group and its position. Raises as ``seek``."""
        ...

    async def check(self) -> None:
        """Return if the queue can be read and written now.

        Raises:
            QueueUnavailable: with the reason.
        """
        ...
