"""What ``exporter check --connect`` asks of stream and bucket, which are looked at as found: no missing part is made.

Also the cost of their settings, and whether this user may publish, which a daemon need not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from exporter.queues.jetstream.bucket import Bucket
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.connection.replies import answer_of
from exporter.queues.jetstream.failures import ANOTHER_STREAM, NobodyAnswers, Refused
from exporter.queues.jetstream.publish import Publisher, subject_of
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.jetstream.stream import Stream
from exporter.queues.port import QueueUnavailable


@asynccontextmanager
async def look_at(settings: NatsSettings) -> AsyncIterator[NatsInspection]:
    """Connect, and see whether stream and bucket exist.

    Raises:
        QueueUnavailable: the servers cannot be used now, or the stream is missing and ``create`` is not set.
    """
    link = Link(settings)
    try:
        stream = Stream(link, settings)
        bucket = Bucket(link, settings.positions)
        unmade: list[Stream | Bucket] = []
        if settings.create and not await stream.is_there():
            unmade.append(stream)
        else:
            await stream.look()
        if not await bucket.is_there():
            unmade.append(bucket)
        yield NatsInspection(link, stream, bucket, unmade)
    finally:
        await link.close()


class NatsInspection:
    """``Inspection`` of a stream and its bucket. Made by ``look_at``."""

    def __init__(self, link: Link, stream: Stream, bucket: Bucket, unmade: Sequence[Stream | Bucket]) -> None:
        self._link = link
        self._name = stream.name
        self._stream = None if stream in unmade else stream
        self._bucket = None if bucket in unmade else bucket
        self._unmade = unmade

    @property
    def missing(self) -> Sequence[str]:
        return [part.called for part in self._unmade]

    async def check(self) -> None:
        """Reads from the stream and writes to the bucket; publishes nothing."""
        if self._stream is not None:
            await self._stream.probe()
        if self._bucket is not None:
            await self._bucket.probe()
        for part in self._unmade:
            await part.may_be_made()

    async def max_event_bytes(self, producer: str) -> int | None:
        """The most that the server takes of one message, without what the headers need."""
        own = None if self._stream is None else (await self._stream.look()).max_message_bytes
        return await Publisher(self._link, self._name, lambda _: None).max_event_bytes(producer, own)

    async def advice(self) -> Sequence[str]:
        """How stream and bucket are kept, and whether this user may publish."""
        found: list[str] = []
        if self._stream is not None:
            found += await _of_stream(self._link, self._stream)
        if self._bucket is not None:
            found += await _of_bucket(self._bucket)
        return found


async def _of_stream(link: Link, stream: Stream) -> Sequence[str]:
    found = []
    if (await stream.look()).storage == "memory":
        found.append(
            f"stream {stream.name} is kept in memory: the end of its server loses it; make it anew with storage file"
        )
    why = await _why_not_published(link, stream.name)
    if why is not None:
        found.append(f"`exporter send` will not work: {why}")
    return found


async def _of_bucket(bucket: Bucket) -> Sequence[str]:
    found = []
    kept = await bucket.kept()
    if kept.storage == "memory":
        found.append(f"bucket {bucket.name} is kept in memory: the end of its server loses all positions")
    if kept.seconds is not None:
        found.append(
            f"bucket {bucket.name} forgets positions after {kept.seconds:g} s: a destination that was quiet so long "
            "begins anew; take its TTL away"
        )
    return found


async def _why_not_published(link: Link, stream: str) -> str | None:
    """Why publishing fails, if so: tried with an event for a different stream, refused when all else is well."""
    try:
        answer_of(await link.request(subject_of(stream, None), b"", {"Nats-Expected-Stream": uuid4().hex}))
    except NobodyAnswers:
        return f"no stream takes the subjects {stream}.0 to {stream}.255; give the stream the subjects {stream}.*"
    except Refused as error:
        return None if error.code == ANOTHER_STREAM else str(error)
    except QueueUnavailable as error:
        return str(error)
    return None
