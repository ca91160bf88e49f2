"""The port that every queue implements: publish, subscribe, receive, settle, commit.

Contract (contract.md#the-queue), held by ``tests/queues/contract.py`` for every kind:

* ``publish`` returns when the messages are durable. With a producer's name and numbers it puts no message there twice,
  also after a crash, and says how many it has left out.
* One reader per group is the queue's duty: entering a second subscription of a group waits as a standby until the first
  is gone, however that ended.
* Within a lane positions grow; a profile's messages stand in a single lane.
* ``receive`` waits for a message and is safe to cancel: a message that was not returned is returned later. Every call
  gives the event loop a turn.
* ``settle`` only notes; settled messages become durable in batches by themselves, at the latest after
  ``COMMIT_SECONDS`` (on Kafka after ``commit_interval``), and when ``commit`` returns. A position is never committed
  past an unsettled position; positions settled beyond the first hole are kept as ranges, which a restart skips.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from exporter.messages.message import Message

Start = Literal["earliest", "latest"]

_PRODUCER = re.compile(r"[!-~]{1,200}")
#: Of a message: doubles hold each number up to here, and Redis' scripts count in doubles.
MAX_NUMBER = 2**53 - 1

COMMIT_SECONDS = 0.025
COMMIT_MESSAGES = 500


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """An event to put on a queue; ``key`` is the profile's id, or None."""

    key: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Numbered:
    """Whose messages a call of ``publish`` has: message i is number ``first`` + i of ``producer``.

    A producer numbers all that it ever publishes, publishes in the order of the numbers and at most 500 at a time, and
    begins no call before the last has ended. Its numbers may have gaps between calls. After a failure or a crash it
    publishes again from any number up to the first that is not known to be on the queue; the calls may be cut
    differently then. Two living processes must not be one producer: whoever owns the producer holds a lock, which is
    free only once the former process has ended. A producer whose count may have gone back, as by a copy of its store,
    goes on under another name: messages of numbers that are used again would be left out.

    Attributes:
        producer: the producer's name, printable ASCII without blanks, for ever: no other producer of the queue has it.
        first: the number of the first message, from 1 to 2^53.
        since: epoch seconds; nothing from ``first`` on was published before. Bounds how far back a log is read.
    """

    producer: str
    first: int
    since: float

    def __post_init__(self) -> None:
        if not _PRODUCER.fullmatch(self.producer) or not 1 <= self.first <= MAX_NUMBER:
            raise ValueError(f"neither a producer nor a number: {self}")

    def last(self, count: int) -> int:
        """The number of the last of ``count`` messages."""
        return self.first + count - 1

    def passed(self, highest: int) -> int:
        """How many messages, from the first on, have numbers up to ``highest``; the call may have fewer."""
        return max(0, highest - self.first + 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages in the order of the queue; never empty."""

    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class LaneLost:
    """The queue took ``lane`` away.

    ``planned``: what is in flight may finish and be settled first; the loss is complete when the dataflow calls
    ``receive`` again. Otherwise the lane already belongs to a different reader.
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
    """A group's position in a lane: all up to ``settled_to`` is settled, and so are ``beyond`` later messages.

    ``end`` is the last position that the lane has given, below which a lane that loses its end goes on; None where a
    lane of the kind gives no position twice.
    """

    group: str
    lane: str
    settled_to: int
    beyond: int
    lag: int | None
    reader: bool
    seen_at: float | None
    end: int | None


#: The outcome of a seek: nothing was missed; events from the target on were deleted; the lane ends before the target.
Clipped = Literal["", "gone", "beyond_end"]


@dataclass(frozen=True, slots=True)
class SeekResult:
    """Where a seek put a group in one lane: no position below ``next`` is read from now on.

    ``clipped`` says why ``next`` is not the target, where events are missed: "gone", events from the target on were
    deleted, and ``next`` is the first that is kept; "beyond_end", the target was never published, and ``next`` is the
    next position to be published.
    """

    lane: str
    next: int
    clipped: Clipped = ""


class QueueUnavailable(Exception):
    """The queue cannot be reached or refuses to work now; the same call may succeed later."""


class QueueFull(Exception):
    """The queue holds ``max_bytes`` of unread events; nothing of the call was published."""


class EventTooLarge(Exception):
    """Some events of a call, at ``indexes``, are too large for the queue ever to take. All others were published."""

    def __init__(self, reason: str, indexes: Sequence[int]) -> None:
        super().__init__(reason)
        self.indexes = indexes


class GroupInUse(Exception):
    """A daemon reads the group, so the group's position cannot be changed."""


class Subscription(Protocol):
    """A reading of a group. Owns commit timing and keep-alive."""

    async def receive(self, limit: int) -> Batch | LaneLost:
        """Wait for messages and return at most ``limit``, or say that a lane was lost.

        With a limit of 0 only the loss of a lane ends the wait: a dataflow whose window is full must hear of it too.

        Raises:
            QueueUnavailable: the queue cannot be read now.
        """
        ...

    def settle(self, message: Message) -> None:
        """Note that a message is settled. Never blocks; twice, or after the loss of its lane, is harmless.

        Raises:
            ValueError: the subscription never handed the message out.
        """
        ...

    async def commit(self) -> None:
        """Return when all that was settled so far is durable.

        Raises:
            QueueUnavailable: the commit failed.
        """
        ...

    def reads(self, lane: str | None) -> bool:
        """Whether this subscription may read ``lane`` now, as far as is known without asking the queue.

        None stands for all lanes that the queue does not have (any more), such as lanes of an earlier queue whose dead
        letters are still kept: among the subscriptions of a group, in all processes, at most one answers True for them.
        """
        ...

    def knows(self, lane: str) -> bool:
        """Whether the queue, as it is now, has ``lane``, whoever reads the lane.

        False: the lane is of an earlier queue with the same name, and its positions say nothing about other positions.
        """
        ...

    def lag(self) -> Lag:
        """How far behind the group is, as far as is known without asking the queue."""
        ...


class Queue(Protocol):
    """An open queue."""

    @property
    def name(self) -> str:
        """A name that, with a lane's, stands for no other queue's messages: event ids are made from both."""
        ...

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        """Put messages on the queue, in order; durable on return.

        With ``numbered`` the messages that the queue has of this producer already are left out; how many, is returned.
        Messages without numbers, and those of another producer, may be published beside.

        Raises:
            EventTooLarge: all was published but what is too large for the queue. Numbers of such messages count as
                published; a call after a crash may say again that they are too large.
            QueueFull: nothing was published.
            QueueUnavailable: whether anything was published is unknown.
        """
        ...

    async def max_event_bytes(self, producer: str) -> int | None:
        """The size of the largest event that the queue takes with a number of ``producer`` now, for certain.

        Somewhat larger events may be taken, too. None where the kind knows no limit, or may not ask for the limit.

        Raises:
            QueueUnavailable: the queue cannot be asked now.
        """
        ...

    def subscribe(self, group: str, start: Start) -> AbstractAsyncContextManager[Subscription]:
        """Become the one reader of ``group``; a new group begins at ``start``. Entering waits as a standby.

        Leaving makes a last attempt to commit; call ``commit`` before to know that the commit worked.

        Raises:
            QueueUnavailable: on entering.
        """
        ...

    async def badges(self, group: str) -> Collection[str]:
        """The badges that the readers of ``group`` gave when opening the queue, the caller's included.

        A reader without a badge is left out. A reader that ended without a word is still there for ``silence_seconds``.

        Raises:
            QueueUnavailable: the readers are not known now.
        """
        ...

    @property
    def silence_seconds(self) -> float:
        """How long a reader of a group may be silent before being taken to be gone."""
        ...

    async def positions(self) -> Sequence[Position]:
        """The positions of every known group.

        Raises:
            QueueUnavailable: the queue cannot be asked now.
        """
        ...

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        """Move ``group``, in every lane, to ``target`` or the nearest position that there is; the result for each lane.

        Raises:
            GroupInUse: a daemon reads the group.
            KeyError: there is no such group.
            QueueUnavailable: the position could not be written.
        """
        ...

    async def drop(self, group: str) -> None:
        """Forget a group, with the position. Raises as ``seek``."""
        ...

    async def check(self) -> None:
        """Return if the queue can be read and written now.

        Raises:
            QueueUnavailable: with the reason.
        """
        ...
