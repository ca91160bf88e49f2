"""The cost of the settings of stream and bucket, and whether this user may publish, which a daemon need not."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from exporter.queues.jetstream.bucket import Bucket
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.connection.replies import answer_of
from exporter.queues.jetstream.failures import ANOTHER_STREAM, NobodyAnswers, Refused
from exporter.queues.jetstream.publish import subject_of
from exporter.queues.jetstream.stream import Stream
from exporter.queues.port import QueueUnavailable


async def of_stream(link: Link, stream: Stream) -> Sequence[str]:
    """See ``Advising.advice``."""
    found = []
    if (await stream.look()).storage == "memory":
        found.append(
            f"stream {stream.name} is kept in memory: the end of its server loses it; make it anew with storage file"
        )
    why = await _why_not_published(link, stream.name)
    if why is not None:
        found.append(f"`exporter send` will not work: {why}")
    return found


async def of_bucket(bucket: Bucket) -> Sequence[str]:
    """See ``Advising.advice``."""
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
