"""Whether a stream exists, and whether making a stream is permitted. A bucket is a stream too."""

from __future__ import annotations

from uuid import uuid4

from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.failures import NO_STREAM, WRONG_NAME, Refused
from exporter.queues.port import QueueUnavailable


async def is_there(link: Link, stream: str, called: str) -> bool:
    """Whether ``stream`` exists; ``called`` is the name for people.

    Raises:
        QueueUnavailable: the servers cannot be asked now, or do not say.
    """
    try:
        await link.api(f"STREAM.INFO.{stream}")
    except Refused as error:
        if error.code == NO_STREAM:
            return False
        raise QueueUnavailable(f"{called}: {error}") from None
    return True


async def try_to_make(link: Link, stream: str, called: str) -> None:
    """Ask for a stream with another name than the request's, which the servers refuse when all else is well.

    Raises:
        QueueUnavailable: this user may not make the stream, or JetStream is not there.
    """
    try:
        await link.api(f"STREAM.CREATE.{stream}", {"name": uuid4().hex})
    except Refused as error:
        if error.code != WRONG_NAME:
            raise QueueUnavailable(f"{called} cannot be made: {error}") from None
    except QueueUnavailable as error:
        raise QueueUnavailable(f"{called} cannot be made: {error}") from None
