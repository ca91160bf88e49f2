"""Putting events on the stream: many at a time, and done when the servers have said of each that they have it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from exporter.queues.jetstream.connection.link import REQUEST_SECONDS, Link
from exporter.queues.jetstream.connection.replies import Answer, answer_of
from exporter.queues.jetstream.failures import STORE_FAILED, NobodyAnswers, Refused
from exporter.queues.port import Outgoing, QueueFull, QueueUnavailable

_SUBJECTS = 256
_HEADER_BYTES = 64
_CHUNK_EVENTS = 500
_CHUNK_BYTES = 4 * 1024 * 1024


def subject_of(stream: str, key: str | None) -> str:
    """Where an event of this profile is published: ``<stream>.<n>``, the same n from 0 to 255 for the same key."""
    return f"{stream}.{zlib.crc32((key or '').encode('utf-8', 'surrogatepass')) % _SUBJECTS}"


class Publisher:
    """Publishes to one stream. The first event goes alone and names the stream that it is for.

    Another stream may be taking our subjects; the header that refuses it costs every reader time, so the others go
    without it, and each answer says which stream it comes from.
    """

    def __init__(self, link: Link, stream: str) -> None:
        self._link = link
        self._stream = stream
        self._proven = False

    async def publish(self, messages: Sequence[Outgoing]) -> int:
        """Publish in order; the last sequence number given (0: there was nothing to publish).

        Raises:
            QueueFull: the stream has no room for the first of them.
            QueueUnavailable: whether it was published is unknown, or known in part.
        """
        await _refuse_if_too_large(self._link, self._stream, messages)
        last = done = 0
        if messages and not self._proven:
            last = await self._publish(messages[:1], 0, {"Nats-Expected-Stream": self._stream})
            done = 1
            self._proven = True
        for chunk in _chunks(messages[done:]):
            last = await self._publish(chunk, done, None)
            done += len(chunk)
        return last

    async def _publish(self, chunk: Sequence[Outgoing], done: int, headers: Mapping[str, str] | None) -> int:
        stream = self._stream
        last = 0
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                with ExitStack() as inboxes:
                    for answer in await self._send(chunk, inboxes, headers):
                        last = self._sequence(answer_of(await answer.comes()))
                        done += 1
        except TimeoutError:
            raise QueueUnavailable(
                f"no answer from stream {stream} within {REQUEST_SECONDS:g} s; it has {done} events of this call"
            ) from None
        except NobodyAnswers:
            raise QueueUnavailable(f"no stream takes the subjects {stream}.0 to {stream}.255") from None
        except Refused as error:
            if error.code == STORE_FAILED and not done:
                raise QueueFull(f"stream {stream}: {error}") from None
            raise QueueUnavailable(f"stream {stream} refused event {done + 1} of this call: {error}") from None
        return last

    async def _send(
        self, chunk: Sequence[Outgoing], inboxes: ExitStack, headers: Mapping[str, str] | None
    ) -> list[Answer]:
        answers = []
        for message in chunk:
            answer = Answer()
            subject = subject_of(self._stream, message.key)
            inbox = inboxes.enter_context(self._link.listening(answer, subject))
            await self._link.send(subject, message.body, inbox, headers)
            answers.append(answer)
        return answers

    def _sequence(self, answer: Mapping[str, Any]) -> int:
        taken_by = answer.get("stream")
        if taken_by != self._stream:
            self._proven = False
            raise QueueUnavailable(f"stream {taken_by} takes the subjects of stream {self._stream}")
        sequence: int = answer["seq"]
        return sequence


async def _refuse_if_too_large(link: Link, stream: str, messages: Sequence[Outgoing]) -> None:
    """A server hangs up on what is too large, so it is never sent."""
    largest = max((len(message.body) for message in messages), default=0)
    if largest:
        most = await link.max_payload() - _HEADER_BYTES - len(stream)
        if largest > most:
            raise QueueUnavailable(f"an event has {largest} bytes, and the servers take {most}: see their max_payload")


def _chunks(messages: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    begin = size = 0
    for index, message in enumerate(messages):
        if index > begin and (index - begin == _CHUNK_EVENTS or size + len(message.body) > _CHUNK_BYTES):
            yield messages[begin:index]
            begin, size = index, 0
        size += len(message.body)
    if begin < len(messages):
        yield messages[begin:]
