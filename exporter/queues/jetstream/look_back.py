"""Which numbers of a producer the stream has, read from the headers at its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from contextlib import suppress

from nats.aio.msg import Msg

from exporter.queues.jetstream.connection.link import REQUEST_SECONDS, Link
from exporter.queues.jetstream.fetch import delivery_of, pending_after
from exporter.queues.jetstream.stream import Stream
from exporter.queues.numbered import CLOCKS_APART_SECONDS, number_in
from exporter.queues.port import Numbered, QueueUnavailable
from exporter.tasks.late_deadlines import answered_within

#: The header with a message's stamp. Servers drop a second message of the same id within the stream's duplicate window:
#: that guards against what a process that has just died has sent, and the servers have not taken yet.
NUMBER_HEADER = "Nats-Msg-Id"
_BATCH_EVENTS = 500
_DELIVERED = "$JS.ACK."
_NANOSECONDS = 1_000_000_000


async def numbers_on_stream(link: Link, stream: Stream, numbered: Numbered) -> Collection[int]:
    """The numbers of the producer, from ``first`` on, of messages that the stream has.

    Reads the headers of all messages since ``since``.

    Raises:
        QueueUnavailable: the stream cannot be read now.
    """
    last = (await stream.look()).last
    name, pending = await stream.make_consumer_since(max(0.0, numbered.since - CLOCKS_APART_SECONDS))
    try:
        return await _read(link, stream, name, pending, last, numbered)
    finally:
        with suppress(QueueUnavailable):  # else the servers forget it by themselves
            await stream.drop_consumer(name)


async def _read(
    link: Link, stream: Stream, consumer: str, pending: int, last: int, numbered: Numbered
) -> Collection[int]:
    """The numbers in ``pending`` messages, up to sequence number ``last`` of the stream."""
    found: set[int] = set()
    delivered = 0
    arrivals = _Arrivals()
    inbox = await link.inbox(arrivals)
    subject = link.next_subject(stream.name, consumer)
    question = {"batch": _BATCH_EVENTS, "expires": int(REQUEST_SECONDS * _NANOSECONDS)}
    try:
        with link.listening(arrivals, subject):
            while pending:
                async with answered_within(REQUEST_SECONDS):
                    await link.send(subject, json.dumps(question).encode(), f"{inbox.address}.0")
                    for _ in range(min(_BATCH_EVENTS, pending)):
                        message = await arrivals.next()
                        delivery = delivery_of(message.reply)
                        if delivery.number != delivered + 1:
                            raise QueueUnavailable(f"stream {stream.name}: a message was lost while looking back")
                        delivered += 1
                        number = number_in((message.headers or {}).get(NUMBER_HEADER, ""), numbered.producer)
                        if number is not None and number >= numbered.first:
                            found.add(number)
                        pending = 0 if delivery.sequence >= last else pending_after(message.reply)
                        if not pending:
                            break
    except TimeoutError:
        raise QueueUnavailable(f"no answer from stream {stream.name} within {REQUEST_SECONDS:g} s") from None
    finally:
        await inbox.close()
    return found


class _Arrivals:
    """A ``Listener``: the messages that came and were not looked at yet."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[Msg | str] = asyncio.Queue()

    def heard(self, message: Msg) -> None:
        self._came.put_nowait(message)

    def lost(self, reason: str) -> None:
        self._came.put_nowait(reason)

    async def next(self) -> Msg:
        """The next message of the stream.

        Raises:
            QueueUnavailable: no more messages will come.
        """
        message = await self._came.get()
        if isinstance(message, str):
            raise QueueUnavailable(message)
        if not message.reply.startswith(_DELIVERED):
            # The servers gave up the request: the consumer is gone, or what was to be delivered.
            raise QueueUnavailable("the servers ended the look back")
        return message
