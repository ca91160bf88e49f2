"""The stream: asking the servers for its state, making the stream where configured, and consumers for reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from exporter.profile.event.times import parse_time
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.failures import NO_STREAM, Refused
from exporter.queues.jetstream.kept_stream import KeptStream
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.port import QueueUnavailable

_NANOSECONDS = 1_000_000_000
#: How long the servers keep an idle consumer; a missing consumer is made anew.
_CONSUMER_KEPT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of a stream at one look.

    ``created`` tells streams of the same name apart. ``first`` is the first sequence number kept, or the next to come;
    ``last`` the last ever given. ``max_message_bytes`` counts body and headers; None where the stream sets no limit.
    """

    created: str
    first: int
    last: int
    replicas: int
    storage: str
    max_message_bytes: int | None

    @property
    def lane(self) -> str:
        """The name of the stream's lane: the time of creation, in microseconds.

        A stream that was deleted and made anew begins at sequence number 1 again: in a lane of the same name new events
        would be taken for the old events, some of which have dead letters.
        """
        return str(round((parse_time(self.created) or 0.0) * 1_000_000))


class Stream(KeptStream):
    """The stream of events. Every method that asks the servers raises ``QueueUnavailable`` when that does not work."""

    def __init__(self, link: Link, settings: NatsSettings) -> None:
        super().__init__(link, settings.stream, f"stream {settings.stream}")
        self._settings = settings
        self.name = settings.stream

    async def probe(self) -> None:
        """Make and drop a consumer at the end of the stream, to see whether reading works."""
        state = await self.look()
        await self.drop_consumer(await self.make_consumer(state.last + 1))

    async def look(self) -> StreamState:
        """The stream's state now. Refuses a stream that is missing, or whose retention deletes read events."""
        try:
            answer = await self._link.api(f"STREAM.INFO.{self.name}")
        except Refused as error:
            if error.code == NO_STREAM:
                raise QueueUnavailable(
                    f"there is no stream {self.name}: make it, or set `create: true`; check also `stream`"
                ) from None
            raise QueueUnavailable(f"stream {self.name}: {error}") from None
        return self._state(answer)

    async def look_or_make(self) -> StreamState:
        """As ``look``, but a missing stream is made where the settings say so."""
        if self._settings.create:
            await self._make(self._config())
        return await self.look()

    async def make_consumer(self, first: int) -> str:
        """Make a consumer that reads from sequence number ``first`` on, in order, each message once; its name."""
        name, _ = await self._consumer({"deliver_policy": "by_start_sequence", "opt_start_seq": first})
        return name

    async def make_consumer_since(self, seconds: float) -> tuple[str, int]:
        """Make a consumer that reads the headers of messages taken at ``seconds`` of the epoch or later.

        Returns:
            The consumer's name, and how many messages there are now.
        """
        since = datetime.fromtimestamp(seconds, UTC).isoformat()
        return await self._consumer({"deliver_policy": "by_start_time", "opt_start_time": since, "headers_only": True})

    async def _consumer(self, where: Mapping[str, Any]) -> tuple[str, int]:
        name = uuid4().hex
        config = {
            "name": name,
            **where,
            "ack_policy": "none",
            "max_waiting": 8,
            "inactive_threshold": _CONSUMER_KEPT_SECONDS * _NANOSECONDS,
            "num_replicas": 1,
            "mem_storage": True,
        }
        question = {"stream_name": self.name, "config": config}
        try:
            answer = await self._link.api(f"CONSUMER.CREATE.{self.name}.{name}", question)
        except Refused as error:
            raise QueueUnavailable(f"stream {self.name} cannot be read: {error}") from None
        return name, answer["num_pending"]

    async def drop_consumer(self, name: str) -> None:
        """Tell the servers that a consumer is not needed any more."""
        await self._link.api(f"CONSUMER.DELETE.{self.name}.{name}")

    def _config(self) -> Mapping[str, Any]:
        settings = self._settings
        config: dict[str, Any] = {
            "name": self.name,
            "subjects": [f"{self.name}.*"],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "num_replicas": settings.replicas,
        }
        if settings.max_bytes is not None:
            config["max_bytes"] = int(settings.max_bytes)
        if settings.max_age is not None:
            config["max_age"] = int(settings.max_age * _NANOSECONDS)
            config["duplicate_window"] = min(config["max_age"], 120 * _NANOSECONDS)
        return config

    def _state(self, answer: Mapping[str, Any]) -> StreamState:
        retention = answer["config"].get("retention", "limits")
        if retention != "limits":
            raise QueueUnavailable(
                f"stream {self.name} has the retention {retention}, which deletes what was read: it must be limits"
            )
        state = answer["state"]
        return StreamState(
            created=answer["created"],
            first=max(1, state["first_seq"], state["last_seq"] + 1 if not state["messages"] else 0),
            last=state["last_seq"],
            replicas=answer["config"].get("num_replicas", 1),
            storage=answer["config"].get("storage", "file"),
            max_message_bytes=size if (size := answer["config"].get("max_msg_size", -1)) > 0 else None,
        )
