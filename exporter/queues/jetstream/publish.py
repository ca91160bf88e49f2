"""Putting events on the stream: many at a time, and done when the servers have confirmed each event."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from exporter.queues.jetstream.connection.link import REQUEST_SECONDS, Link
from exporter.queues.jetstream.connection.replies import Answer, answer_of
from exporter.queues.jetstream.failures import MESSAGE_TOO_LARGE, STORE_FAILED, NobodyAnswers, Refused
from exporter.queues.jetstream.look_back import NUMBER_HEADER
from exporter.queues.numbered import stamp
from exporter.queues.port import MAX_NUMBER, EventTooLarge, Outgoing, QueueFull, QueueUnavailable
from exporter.tasks.late_deadlines import answered_within

_SUBJECTS = 256
_HEADER_BYTES = 64
_CHUNK_EVENTS = 500
_CHUNK_BYTES = 4 * 1024 * 1024


def subject_of(stream: str, key: str | None) -> str:
    """The subject of a profile's events: ``<stream>.<n>``, the same n from 0 to 255 for the same key."""
    return f"{stream}.{zlib.crc32((key or '').encode('utf-8', 'surrogatepass')) % _SUBJECTS}"


class Publisher:
    """Publishes to a stream, a call at a time. The first event goes alone, with a header that names the stream.

    Another stream may be taking the subjects, and the header makes that stream refuse. A header costs every reader
    time, so later events go without, and each answer is checked for the stream that took the event.
    """

    def __init__(self, link: Link, stream: str, grew: Callable[[int], None]) -> None:
        """``grew`` is called after each call that published, with the last sequence number given."""
        self._link = link
        self._stream = stream
        self._grew = grew
        self._turn = asyncio.Lock()
        self._proven = False

    async def publish(self, messages: Sequence[Outgoing], stamps: Sequence[str] | None = None) -> int:
        """Publish ``messages`` in order; ``stamps``, one for each message, go along in a header.

        Returns how many the servers recognised by their stamps, and left out.

        With stamps a message goes only once the servers have confirmed all earlier ones of its profile. Else what is
        published after a failure, when earlier messages may be missing, could stand after newer states of a profile.

        Raises:
            EventTooLarge: all was published but what is too large for the servers.
            QueueFull: the stream has no room for the first event.
            QueueUnavailable: whether the events were published is unknown, or known in part.
        """
        if not messages:
            return 0
        async with self._turn:
            call = _Call(messages, stamps, await self._most_bytes(stamps))
            if call.left and not self._proven:
                await self._publish(call, call.left[:1], self._stream)
                self._proven = True
                del call.left[:1]
            for chunk in _chunks(messages, call.left, each_profile_once=stamps is not None):
                await self._publish(call, chunk, None)
        self._grew(call.last)
        if call.refused:
            raise EventTooLarge(call.reason, sorted(call.refused))
        return call.recognised

    async def max_event_bytes(self, producer: str, max_message_bytes: int | None) -> int:
        """The largest body that servers and stream take with a stamp; the stream takes ``max_message_bytes``, if any.

        Raises:
            QueueUnavailable: there is no connection.
        """
        stamps = [stamp(producer, MAX_NUMBER)]
        most = await self._most_bytes(stamps)
        return most if max_message_bytes is None else min(most, max_message_bytes - self._header_bytes(stamps))

    async def _most_bytes(self, stamps: Sequence[str] | None) -> int:
        return await self._link.max_payload() - self._header_bytes(stamps)

    def _header_bytes(self, stamps: Sequence[str] | None) -> int:
        """The most that headers take."""
        numbers = 0 if stamps is None else len(NUMBER_HEADER) + 4 + max(map(len, stamps))  # colon, blank, end of line
        return _HEADER_BYTES + len(self._stream) + numbers

    async def _publish(self, call: _Call, chunk: Sequence[int], expected: str | None) -> None:
        stream = self._stream
        try:
            async with answered_within(REQUEST_SECONDS):
                with ExitStack() as inboxes:
                    sent = await self._send(call, chunk, inboxes, expected)
                    for index, answer in zip(chunk, sent, strict=True):
                        try:
                            taken = answer_of(await answer.comes())
                            call.last = self._sequence(taken)
                            call.recognised += bool(taken.get("duplicate"))
                        except Refused as error:
                            if error.code != MESSAGE_TOO_LARGE:
                                raise
                            call.refuse(index, f"stream {stream}: {error} (max_msg_size)")
                        else:
                            call.done += 1
        except TimeoutError:
            raise QueueUnavailable(
                f"no answer from stream {stream} within {REQUEST_SECONDS:g} s; it has {call.done} events of this call"
            ) from None
        except NobodyAnswers:
            raise QueueUnavailable(f"no stream takes the subjects {stream}.0 to {stream}.255") from None
        except Refused as error:
            if error.code == STORE_FAILED and not call.done:
                raise QueueFull(f"stream {stream}: {error}") from None
            raise QueueUnavailable(f"stream {stream} refused event {index + 1} of this call: {error}") from None

    async def _send(self, call: _Call, chunk: Sequence[int], inboxes: ExitStack, expected: str | None) -> list[Answer]:
        answers: list[Answer] = []
        bare = call.stamps is None and expected is None
        for index in chunk:
            message = call.messages[index]
            answer = Answer()
            subject = subject_of(self._stream, message.key)
            inbox = inboxes.enter_context(self._link.listening(answer, subject))
            if not bare and answers and answers[-1].is_lost:
                # A message on the next connection would follow a gap, if what went over the last one is lost.
                await answers[-1].comes()
            await self._link.send(subject, message.body, inbox, None if bare else call.headers(index, expected))
            answers.append(answer)
        return answers

    def _sequence(self, answer: Mapping[str, Any]) -> int:
        taken_by = answer.get("stream")
        if taken_by != self._stream:
            self._proven = False
            raise QueueUnavailable(f"stream {taken_by} takes the subjects of stream {self._stream}")
        sequence: int = answer["seq"]
        return sequence


class _Call:
    """The events of a call of ``publish``; ``left`` to send and ``refused`` hold indexes.

    A server hangs up on a body larger than ``most`` bytes, so such an event is never sent.
    """

    def __init__(self, messages: Sequence[Outgoing], stamps: Sequence[str] | None, most: int) -> None:
        self.messages = messages
        self.stamps = stamps
        self.left: list[int] = []
        self.refused: list[int] = []
        self.reason = ""
        self.done = 0
        self.recognised = 0
        self.last = 0
        for index, message in enumerate(messages):
            size = len(message.body)
            if size > most:
                self.refuse(index, f"an event has {size} bytes, and the servers take {most}: see their max_payload")
            else:
                self.left.append(index)

    def headers(self, index: int, expected: str | None) -> Mapping[str, str]:
        """The headers of the event at ``index``, with the stream that is ``expected`` to take it, if any."""
        headers = {} if expected is None else {"Nats-Expected-Stream": expected}
        if self.stamps is not None:
            headers[NUMBER_HEADER] = self.stamps[index]
        return headers

    def refuse(self, index: int, reason: str) -> None:
        """Note that the event at ``index`` is never taken, whenever sent."""
        self.refused.append(index)
        self.reason = self.reason or reason


def _chunks(
    messages: Sequence[Outgoing], indexes: Sequence[int], *, each_profile_once: bool
) -> Iterator[Sequence[int]]:
    begin = size = 0
    profiles: set[str | None] = set()
    for at, index in enumerate(indexes):
        length = len(messages[index].body)
        again = each_profile_once and messages[index].key in profiles
        if at > begin and (again or at - begin == _CHUNK_EVENTS or size + length > _CHUNK_BYTES):
            yield indexes[begin:at]
            begin, size = at, 0
            profiles.clear()
        size += length
        if each_profile_once:
            profiles.add(messages[index].key)
    if begin < len(indexes):
        yield indexes[begin:]
