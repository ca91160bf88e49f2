"""What the servers are asked of every stream: whether it is there, and to make it. A bucket is a stream too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.failures import NO_STREAM, STREAM_NAME_IN_USE, WRONG_NAME, Refused
from exporter.queues.port import QueueUnavailable


class KeptStream:
    """A stream on the servers, over a link; ``called`` is the kind and name of what the stream keeps, for people.

    Every method raises ``QueueUnavailable`` when the servers cannot be asked now, or refuse.
    """

    def __init__(self, link: Link, stream: str, called: str) -> None:
        self._link = link
        self._stream = stream
        self.called = called

    async def is_there(self) -> bool:
        """Whether the stream exists."""
        try:
            await self._link.api(f"STREAM.INFO.{self._stream}")
        except Refused as error:
            if error.code == NO_STREAM:
                return False
            raise QueueUnavailable(f"{self.called}: {error}") from None
        return True

    async def may_be_made(self) -> None:
        """Try whether making the stream is permitted, without making a stream.

        The stream asked for has another name than the request, which the servers refuse when all else is well.
        """
        try:
            await self._link.api(f"STREAM.CREATE.{self._stream}", {"name": uuid4().hex})
        except QueueUnavailable as error:
            if not (isinstance(error, Refused) and error.code == WRONG_NAME):
                raise QueueUnavailable(f"{self.called} cannot be made: {error}") from None

    async def _make(self, config: Mapping[str, Any]) -> None:
        """Make the stream with ``config``, unless there is a stream of the name, whatever its settings."""
        try:
            await self._link.api(f"STREAM.CREATE.{self._stream}", config)
        except Refused as error:
            if error.code != STREAM_NAME_IN_USE:
                raise QueueUnavailable(f"{self.called} cannot be made: {error}") from None
