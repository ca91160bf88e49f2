"""Kafka as a queue: what the port asks for, put together from the parts beside this file."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial

from exporter.queues.kafka.check.advice import advice
from exporter.queues.kafka.check.reading import can_unpack, may_read
from exporter.queues.kafka.check.shared import SharedCheck
from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.cluster.connection import connection_of
from exporter.queues.kafka.cluster.groups import Groups, positions_of
from exporter.queues.kafka.cluster.topic_ids import lane_name
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.look_back import numbers_on_topic
from exporter.queues.kafka.publish import Publisher
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.kafka.subscription import KafkaSubscription
from exporter.queues.numbered import NumberedPublishing
from exporter.queues.port import GroupInUse, Numbered, Outgoing, Position, QueueUnavailable, SeekResult, Start
from exporter.queues.positions import nearest
from exporter.tasks.background import for_ever, in_background


@asynccontextmanager
async def open_kafka(
    settings: KafkaSettings, groups: Collection[str], warn: Callable[[str], None], badge: str = ""
) -> AsyncIterator[KafkaQueue]:
    """Connect to the cluster. Leave subscriptions before leaving this context.

    See ``open_queue``. Kafka's retention does not ask groups, so ``groups`` only tell ``check`` and ``advice`` where to
    look.

    Raises:
        QueueUnavailable: no broker can be reached, or every broker refuses.
    """
    # The client's own log lines go nowhere: failures come back as errors with a reason, and log lines may quote data.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    async with (
        connection_of(settings, badge, warn) as connection,
        Cluster(connection, settings.topic).open() as cluster,
    ):
        name = f"kafka-{await cluster.identity()}-{settings.topic}"
        high_watermarks = HighWatermarks(cluster)
        publisher = Publisher(cluster, high_watermarks)
        queue = KafkaQueue(name, settings, cluster, high_watermarks, publisher, groups, warn)
        try:
            async with in_background(partial(for_ever, high_watermarks.run, warn)):
                yield queue
        finally:
            await publisher.close()


class KafkaQueue:
    """``Queue`` on a topic of Kafka. Made by ``open_kafka``."""

    def __init__(
        self,
        name: str,
        settings: KafkaSettings,
        cluster: Cluster,
        high_watermarks: HighWatermarks,
        publisher: Publisher,
        groups: Collection[str],
        warn: Callable[[str], None],
    ) -> None:
        self._name = name
        self._settings = settings
        self._cluster = cluster
        self._read_by = Groups(cluster)
        self._high_watermarks = high_watermarks
        self._publisher = publisher
        self._numbered = NumberedPublishing(partial(numbers_on_topic, cluster), publisher.publish)
        self._groups = groups
        self._warn = warn
        self._checked = SharedCheck(self._check, time.monotonic)

    @property
    def name(self) -> str:
        """Made of the cluster's id and the topic."""
        return self._name

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        """Never raises ``QueueFull``, since the brokers decide how much a topic holds."""
        if not messages:
            return 0
        if numbered is None:
            return await self._publisher.publish(messages)
        return await self._numbered.publish(messages, numbered)

    async def max_event_bytes(self, producer: str) -> int | None:
        """The topic's ``max.message.bytes``, which takes the right DescribeConfigs."""
        return await self._publisher.max_event_bytes(producer)

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[KafkaSubscription]:
        """Become a member of ``group``, whose members share the lanes; with more members than lanes, some get none.

        Raises:
            QueueUnavailable: on entering.
        """
        await self._begin(group, start)
        subscription = KafkaSubscription(group, self._settings, self._cluster, self._high_watermarks, self._warn)
        async with subscription.member():
            yield subscription

    async def _begin(self, group: str, start: Start) -> None:
        """Commit a position in every lane for a new group, before any member reads.

        A lane without a position counts as added later, and would be read from the beginning.
        """
        await self._high_watermarks.look()
        if await self._read_by.committed(group):
            return
        seen = await self._cluster.seen()
        ends = await self._cluster.ends(seen.leaders)
        try:
            await self._read_by.place(group, ends.first if start == "earliest" else ends.next, seen.incarnation)
        except GroupInUse as error:
            if not await self._read_by.committed(group):
                raise QueueUnavailable(f"group {group}: it has members that read another topic") from error

    async def badges(self, group: str) -> Collection[str]:
        return await self._read_by.badges(group)

    @property
    def silence_seconds(self) -> float:
        """Assumes that all members have the same settings."""
        return self._settings.session_timeout

    async def positions(self) -> Sequence[Position]:
        """Those of the groups with ``group_prefix`` that have committed for the topic."""
        names = await self._read_by.names(self._settings.group_prefix)
        committed = {name: await self._read_by.committed(name) for name in names}
        names = [name for name in names if committed[name]]
        if not names:
            return []
        read = await self._read_by.read(names)
        seen = await self._cluster.seen()
        ends = await self._cluster.ends(seen.leaders)
        return [
            position
            for name in names
            for position in positions_of(name, committed[name], seen.incarnation, ends, reader=name in read)
        ]

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        """Moves every lane, each to ``target`` or the nearest position that the lane has."""
        await self._known(group)
        seen = await self._cluster.seen()
        ends = await self._cluster.ends(seen.leaders)
        found = {
            number: nearest(lane_name(number, seen.incarnation), target, first, ends.next[number] - 1, lowest=0)
            for number, first in ends.first.items()
        }
        await self._read_by.place(group, {number: each.next for number, each in found.items()}, seen.incarnation)
        return [found[number] for number in sorted(found)]

    async def drop(self, group: str) -> None:
        await self._known(group)
        await self._read_by.delete(group)

    async def _known(self, group: str) -> None:
        """Return if ``group`` exists and has no members.

        Raises:
            GroupInUse: the group has members.
            KeyError: the group has another prefix, or no position in the topic.
            QueueUnavailable: the cluster cannot be asked now.
        """
        if not group.startswith(self._settings.group_prefix) or not await self._read_by.committed(group):
            raise KeyError(group)
        if await self._read_by.read([group]):
            raise GroupInUse(group)

    async def check(self) -> None:
        """Topic and groups can be described, and every partition has a leader.

        Nothing is written, since a daemon needs no right to write. Calls soon after each other share an answer.
        """
        await self._checked()

    async def _check(self) -> None:
        await self._high_watermarks.look()
        await self._read_by.read(sorted(self._groups))

    async def advice(self) -> Sequence[str]:
        """How many copies of an event there are, and how long events are kept.

        Raises:
            QueueUnavailable: as ``Advising`` says; also where topic or groups may be described but not read, asked
                group by group, and where records are compressed with a codec whose library is missing here.
        """
        await may_read(self._cluster, sorted(self._groups))
        await can_unpack(self._cluster)
        return advice(self._settings.topic, await self._cluster.topic_settings())
