"""Reads the stream in order through a private pull consumer, which is made anew whenever anything is amiss.

Nothing is acknowledged to the servers: a consumer that waits for acknowledgements sends an event that was not
acknowledged in time again, after newer events, which would break the order (contract.md#the-queue).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import NamedTuple

from nats.aio.msg import Msg
from nats.js.api import Header

from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.connection.replies import Inbox
from exporter.queues.jetstream.failures import shortened
from exporter.queues.jetstream.stream import Stream, StreamState
from exporter.queues.port import QueueUnavailable

_BATCH_EVENTS = 500
_BATCH_BYTES = 1024 * 1024
_LOW_EVENTS = 250
_ASK_SECONDS = 30
_HEARTBEAT_SECONDS = 2
_SILENT_SECONDS = 3 * _HEARTBEAT_SECONDS
_NANOSECONDS = 1_000_000_000
_FUTILE_MOST = 5
_GOODBYE_SECONDS = 1.0

_DELIVERED = "$JS.ACK."
_HEARTBEAT, _TIMED_OUT, _CONFLICT = "100", "408", "409"
#: Headers that may carry an event's id: the servers' own for deduplication, and the header of CloudEvents.
_ID_HEADERS = ("Nats-Msg-Id", "ce-id")


class Delivery(NamedTuple):
    """The reply subject of a delivered message. ``sequence`` counts in the stream, ``number`` in the consumer."""

    consumer: str
    sequence: int
    number: int
    taken_at: float


@dataclass(slots=True)
class _Consumer:
    """A consumer on the servers: ``subject`` takes requests for more, and ``address`` hears how they end."""

    name: str
    subject: str
    address: str
    number: int = 0  # of the last message delivered
    asked: int = 0  # how many messages are on the way
    came: bool = False  # whether a message was delivered since the last request
    heard_at: float = 0.0  # monotonic


class Fetch:
    """A ``Listener``: the messages delivered and not handed out yet, and the requests for more.

    ``opening`` is shown the stream before each new consumer, may move the position (``begin``), and returns False to
    wait; ``missing`` hears of sequence numbers that are gone; ``woken`` is called when something has changed.
    """

    def __init__(
        self,
        link: Link,
        stream: Stream,
        opening: Callable[[StreamState], bool],
        missing: Callable[[int, int], None],
        woken: Callable[[], None],
    ) -> None:
        self._link = link
        self._stream = stream
        self._opening = opening
        self._missing = missing
        self._woken = woken
        self.buffer: deque[Message] = deque()
        self._lane = ""
        self.next = 1  # the next sequence number to come
        self._begun = 0
        self._failure: str | None = None
        self._futile = 0
        self._whole = False  # the next event is larger than a batch may be
        self._consumer: _Consumer | None = None
        self._inbox: Inbox | None = None
        self._asking = ExitStack()
        self._turn = 0  # grows with every consumer, and tells the statuses of one consumer from another's

    def begin(self, lane: str, sequence: int) -> None:
        """Forget the buffer, and read on in ``lane`` from ``sequence``."""
        self.buffer.clear()
        self._lane = lane
        self.next = sequence
        self._begun += 1
        self._reset()

    def reopen(self) -> None:
        """Look at the stream again before reading on."""
        self._reset()
        self._woken()

    async def end(self) -> None:
        """Stop reading, and tell the servers."""
        consumer, inbox = self._consumer, self._inbox
        self._reset()
        self._inbox = None
        with suppress(QueueUnavailable, TimeoutError):  # else the servers find out by themselves
            async with asyncio.timeout(_GOODBYE_SECONDS):
                if inbox is not None:
                    await inbox.close()
                if consumer is not None:
                    await self._stream.drop_consumer(consumer.name)

    async def ask(self) -> None:
        """Ask for more messages, if few are left and none are on the way.

        Raises:
            QueueUnavailable: nothing can be read now. The buffer is still good.
        """
        if len(self.buffer) >= _LOW_EVENTS:
            return
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise QueueUnavailable(failure)
        if self._consumer is not None and self._consumer.asked:
            if time.monotonic() - self._consumer.heard_at <= _SILENT_SECONDS:
                return
            self._reset()
        if self._consumer is None:
            await self._open()
        if self._consumer is not None:
            await self._pull(self._consumer)

    # -- what comes

    def heard(self, message: Msg) -> None:
        consumer = self._consumer
        if message.reply.startswith(_DELIVERED):
            delivery = delivery_of(message.reply)
            if consumer is None or delivery.consumer != consumer.name:
                return
            consumer.heard_at = time.monotonic()
            self._delivered(consumer, message, delivery)
        elif consumer is not None and message.subject == consumer.address:
            consumer.heard_at = time.monotonic()
            self._told(consumer, message.headers or {})
        self._woken()

    def lost(self, reason: str) -> None:
        self._reset()
        self._inbox = None
        self._failure = reason
        self._woken()

    def _delivered(self, consumer: _Consumer, message: Msg, delivery: Delivery) -> None:
        if delivery.number != consumer.number + 1:  # a message before never came
            self._reset()
            return
        consumer.number = delivery.number
        consumer.asked = max(0, consumer.asked - 1)
        consumer.came = True
        self._futile = 0
        self._whole = False
        if delivery.sequence > self.next:
            self._missing(self.next, delivery.sequence - 1)
        self.next = delivery.sequence + 1
        event_id = trace = None
        if headers := message.headers:
            event_id = next((headers[name] for name in _ID_HEADERS if headers.get(name)), None)
            if parent := headers.get("traceparent"):
                trace = Trace(parent, headers.get("tracestate", ""))
        self.buffer.append(
            Message(self._lane, delivery.sequence, message.data, delivery.taken_at, event_id, None, trace)
        )

    def _told(self, consumer: _Consumer, headers: dict[str, str]) -> None:
        status = headers.get(Header.STATUS, "")
        if status == _HEARTBEAT:
            if int(headers.get("Nats-Last-Consumer", consumer.number)) > consumer.number:
                self._reset()
            return
        consumer.asked = 0
        if status == _TIMED_OUT:
            return
        said = headers.get(Header.DESCRIPTION, "").lower()
        if status == _CONFLICT and "maxbytes" in said:
            self._whole = not consumer.came
            return
        if status == _CONFLICT and "batch completed" in said:
            return
        # The consumer is gone, or has a new leader: read on with a new consumer.
        self._futile += 1
        self._reset()
        if self._futile >= _FUTILE_MOST:
            self._futile = 0
            self._failure = f"stream {self._stream.name} cannot be read: {shortened(said) or status}"

    # -- what is asked for

    async def _open(self) -> None:
        if not self._opening(await self._stream.look()):
            raise QueueUnavailable(f"stream {self._stream.name} is behind what was read of it: waiting for it")
        begun = self._begun
        if self._inbox is None or not self._inbox.is_open:
            self._inbox = await self._link.inbox(self)
        name = await self._stream.make_consumer(self.next)
        if begun != self._begun or self._inbox is None:
            return  # moved, or the connection was lost, during the wait: the next call opens at the current place
        self._reset()
        self._turn += 1
        subject = self._link.next_subject(self._stream.name, name)
        self._consumer = _Consumer(name, subject, f"{self._inbox.address}.{self._turn}")
        self._asking.enter_context(self._link.listening(self, subject))

    async def _pull(self, consumer: _Consumer) -> None:
        question = {
            "batch": 1 if self._whole else _BATCH_EVENTS,
            "expires": _ASK_SECONDS * _NANOSECONDS,
            "idle_heartbeat": _HEARTBEAT_SECONDS * _NANOSECONDS,
        }
        if not self._whole:
            question["max_bytes"] = _BATCH_BYTES
        consumer.asked = question["batch"]
        consumer.came = False
        consumer.heard_at = time.monotonic()
        await self._link.send(consumer.subject, json.dumps(question).encode(), consumer.address)

    def _reset(self) -> None:
        """Forget the consumer. The buffer stays, whose messages came in order."""
        self._asking.close()
        self._consumer = None


def delivery_of(reply: str) -> Delivery:
    """Read ``$JS.ACK.[domain.account.]stream.consumer.times.sequence.number.nanoseconds.pending[.token]``."""
    parts = reply.split(".")
    at = 3 if len(parts) < 11 else 5
    consumer, _, sequence, number, taken_at = parts[at : at + 5]
    return Delivery(consumer, int(sequence), int(number), int(taken_at) / _NANOSECONDS)


def pending_after(reply: str) -> int:
    """How many messages the consumer has after this one; see ``delivery_of``."""
    parts = reply.split(".")
    return int(parts[8 if len(parts) < 11 else 10])
