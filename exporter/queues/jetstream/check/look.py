"""Stream and bucket as found, for ``exporter check --connect``: missing parts are not made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from exporter.queues.jetstream.bucket import Bucket
from exporter.queues.jetstream.check.advice import of_bucket, of_stream
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.jetstream.stream import Stream


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
        has_stream = not settings.create or await stream.is_there()
        if has_stream:
            await stream.look()
        yield NatsInspection(link, stream, bucket, has_stream=has_stream, has_bucket=await bucket.is_there())
    finally:
        await link.close()


class NatsInspection:
    """See ``Inspection``. Made by ``look_at``."""

    def __init__(self, link: Link, stream: Stream, bucket: Bucket, *, has_stream: bool, has_bucket: bool) -> None:
        self._link = link
        self._stream = stream if has_stream else None
        self._bucket = bucket if has_bucket else None
        self._unmade: list[Stream | Bucket] = [*([] if has_stream else [stream]), *([] if has_bucket else [bucket])]

    @property
    def missing(self) -> Sequence[str]:
        """See ``Looked.missing``."""
        return [part.called for part in self._unmade]

    async def check(self) -> None:
        """See ``Looked.check``: reads from the stream and writes to the bucket; publishes nothing."""
        if self._stream is not None:
            await self._stream.probe()
        if self._bucket is not None:
            await self._bucket.probe()
        for part in self._unmade:
            await part.may_be_made()

    async def advice(self) -> Sequence[str]:
        """See ``Advising``: of how stream and bucket are kept, and whether this user may publish."""
        found: list[str] = []
        if self._stream is not None:
            found += await of_stream(self._link, self._stream)
        if self._bucket is not None:
            found += await of_bucket(self._bucket)
        return found
