"""Questions to the cluster: the cluster's id, the topic's partitions with beginnings and ends, the topic's settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import aiokafka.errors as errors
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from exporter.queues.kafka.check.advice import TopicSettings
from exporter.queues.kafka.check.diagnosis import diagnosed, trouble
from exporter.queues.kafka.cluster.connection import Connection
from exporter.queues.kafka.cluster.shutdown import keep_informed
from exporter.queues.kafka.cluster.topic import TopicSeen, describe
from exporter.queues.kafka.cluster.topic_ids import UNKNOWN
from exporter.queues.kafka.failures import CLIENT_ERRORS
from exporter.queues.kafka.fetch.start_positions import Ends
from exporter.queues.port import QueueUnavailable
from exporter.tasks.late_deadlines import answered_within

#: For a whole question, whatever the client does meanwhile.
ASK_SECONDS = 15.0
_CLOSE_SECONDS = 3.0
_AGAIN_SECONDS = 0.1
#: Errors that pass by themselves within seconds. A broker that cannot be reached is told at once.
_SETTLING = (
    errors.GroupCoordinatorNotAvailableError,
    errors.GroupLoadInProgressError,
    errors.NotCoordinatorForGroupError,
    errors.LeaderNotAvailableError,
    errors.NotLeaderForPartitionError,
)
_ENDED = (errors.KafkaConnectionError, errors.NodeNotReadyError)


class Cluster:
    """The cluster and the topic. ``Groups`` asks about consumer groups through ``asked``."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self.connection = connection
        self.topic = topic
        self.incarnation = UNKNOWN  # the topic's, when last seen
        self.admin = AIOKafkaAdminClient(**connection.options())
        # Without a group: the consumer only asks where partitions begin and end.
        self._asker = AIOKafkaConsumer(**connection.options(), enable_auto_commit=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Connect.

        Raises:
            QueueUnavailable: connecting failed, with the answer of each configured broker.
        """
        try:
            async with diagnosed("connecting", self.connection), answered_within(ASK_SECONDS):
                await self.admin.start()
                await self._asker.start()
                # A task of the client that ends before its first step makes ``stop`` raise CancelledError.
                await asyncio.sleep(0)
            yield self
        finally:
            for close in (self._asker.stop, self.admin.close):
                try:
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await close()
                except CLIENT_ERRORS:
                    continue  # nothing is lost by a connection that does not end well

    async def identity(self) -> str:
        """The cluster's id. Raises as ``asked``."""
        described = await self.asked("asking for the cluster's id", self.admin.describe_cluster)
        return str(described["cluster_id"])

    async def seen(self) -> TopicSeen:
        """The topic, as described now; ``incarnation`` is kept.

        Raises:
            QueueUnavailable: no such topic, no permission, or a partition without a leader.
        """
        seen: TopicSeen = await self.asked(f"topic {self.topic}", partial(describe, self.admin, self.topic))
        self.incarnation = seen.incarnation
        headless = [partition for partition, leader in seen.leaders.items() if leader < 0]
        if headless:
            raise QueueUnavailable(f"topic {self.topic}: no broker leads partition {min(headless)}")
        return seen

    async def topic_settings(self) -> TopicSettings:
        """Replicas and settings of the topic. Raises as ``seen``."""
        seen = await self.seen()
        wanted = ConfigResource(ConfigResourceType.TOPIC, self.topic)
        doing = f"asking for the settings of topic {self.topic}"
        [answer] = await self.asked(doing, lambda: self.admin.describe_configs([wanted]))
        # Without the right to see the settings there are none, and an error that does not matter here.
        entries = [entry for resource in answer.resources for entry in resource[4]]
        return TopicSettings(seen.replicas, {entry[0]: entry[1] or "" for entry in entries})

    async def ends(self, partitions: Collection[int]) -> Ends:
        """Where partitions begin and end now. Raises as ``asked``."""
        first = await self._ends(self._asker.beginning_offsets, partitions)
        return Ends(first, await self.next(partitions))

    async def next(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Where partitions end now. Raises as ``asked``."""
        return await self._ends(self._asker.end_offsets, partitions)

    async def first_since(self, partitions: Collection[int], seconds: float) -> Mapping[int, int]:
        """The first offset with a time of ``seconds`` or later, of each partition that has any. Raises as ``asked``."""
        places = {TopicPartition(self.topic, partition): int(seconds * 1000) for partition in partitions}
        doing = f"asking for the offsets of {self.topic} by time"
        found = await self.asked(doing, lambda: self._asker.offsets_for_times(dict(places)))
        return {place.partition: each.offset for place, each in found.items() if each is not None}

    async def _ends(self, which: Callable[[Any], Awaitable[Any]], partitions: Collection[int]) -> Mapping[int, int]:
        places = [TopicPartition(self.topic, partition) for partition in partitions]
        found = await self.asked(f"asking for the ends of {self.topic}", lambda: which(places))
        return {place.partition: offset for place, offset in found.items()}

    def _advertised(self) -> Sequence[str]:
        """The brokers' addresses, as the cluster has named them."""
        return [f"{broker.host}:{broker.port}" for broker in self.admin._client.cluster.brokers()]

    async def asked(self, doing: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to ``ask``, asked again while the cluster is settling which broker answers.

        Raises:
            QueueUnavailable: no answer, with ``doing`` and the reason.
        """
        async with diagnosed(doing, self.connection, self._advertised), answered_within(ASK_SECONDS):
            for client in (self.admin._client, self._asker._client):
                keep_informed(client)
            while True:
                try:
                    return await ask()
                except _SETTLING:
                    await asyncio.sleep(_AGAIN_SECONDS)
                except _ENDED:
                    # Idle connections end too, as do those whose login is too old: then a new connection is made.
                    if await trouble(self.connection):
                        raise
                    await asyncio.sleep(_AGAIN_SECONDS)
