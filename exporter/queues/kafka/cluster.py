"""Asking the cluster: its id, the topic's partitions and where they begin and end, what groups have committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple, Self

import aiokafka.errors as errors
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.structs import OffsetAndMetadata

from exporter.queues.kafka import rights
from exporter.queues.kafka.advising import TopicSettings
from exporter.queues.kafka.assignment import Claim
from exporter.queues.kafka.connection import Connection
from exporter.queues.kafka.diagnosis import diagnosed, trouble
from exporter.queues.kafka.ending import end
from exporter.queues.kafka.failures import CLIENT_ERRORS
from exporter.queues.port import GroupInUse, QueueUnavailable

#: For one question, whatever the client does meanwhile.
ASK_SECONDS = 15.0
_CLOSE_SECONDS = 3.0
_AGAIN_SECONDS = 0.1
#: What passes by itself within seconds. That a broker cannot be reached is told at once.
_SETTLING = (
    errors.GroupCoordinatorNotAvailableError,
    errors.GroupLoadInProgressError,
    errors.NotCoordinatorForGroupError,
    errors.LeaderNotAvailableError,
    errors.NotLeaderForPartitionError,
)
_ENDED = (errors.KafkaConnectionError, errors.NodeNotReadyError)
_SHARING_STATES = frozenset({"PreparingRebalance", "CompletingRebalance"})
_EMPTY_STATES = frozenset({"Empty", "Dead", ""})


class Ends(NamedTuple):
    """For each partition its first offset that is still there, and the one that comes next."""

    first: Mapping[int, int]
    next: Mapping[int, int]


class Cluster:
    """One topic, and the groups that read it."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._admin = AIOKafkaAdminClient(**connection.options())
        # Without a group: it only asks where partitions begin and end.
        self._asker = AIOKafkaConsumer(**connection.options(), enable_auto_commit=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Connect. Raises QueueUnavailable: with what each of the configured brokers did."""
        try:
            async with diagnosed("connecting", self._connection), asyncio.timeout(ASK_SECONDS):
                await self._admin.start()
                await self._asker.start()
                # A task of the client that ends before it has begun makes ``stop`` raise CancelledError.
                await asyncio.sleep(0)
            yield self
        finally:
            for close in (self._asker.stop, self._admin.close):
                try:
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await close()
                except CLIENT_ERRORS:
                    continue  # nothing is lost by a connection that does not end well

    async def identity(self) -> str:
        """The cluster's id."""
        described = await self._asked("asking for the cluster's id", self._admin.describe_cluster)
        return str(described["cluster_id"])

    async def partitions(self) -> Sequence[int]:
        """The topic's partitions. Raises QueueUnavailable: no such topic, no permission, or one has no leader."""
        return sorted(await self._leaders())

    async def may_read(self, groups: Sequence[str]) -> None:
        """Raises QueueUnavailable: we may not read the topic, or not take part in one of these groups."""
        partition, leader = min((await self._leaders()).items())
        await self._asked(f"topic {self._topic}", lambda: rights.may_fetch(self._admin, self._topic, partition, leader))
        for group in groups:
            await self._asked(f"group {group}", partial(rights.may_take_part, self._admin, group))

    async def topic_settings(self) -> TopicSettings:
        """How the topic is kept. Raises QueueUnavailable."""
        topic = await self._seen()
        wanted = ConfigResource(ConfigResourceType.TOPIC, self._topic)
        doing = f"asking for the settings of topic {self._topic}"
        [answer] = await self._asked(doing, lambda: self._admin.describe_configs([wanted]))
        # Where we may not see them, there are none, and an error that does not matter here.
        entries = [entry for resource in answer.resources for entry in resource[4]]
        replicas = min(len(part["replicas"]) for part in topic["partitions"])
        return TopicSettings(replicas, {entry[0]: entry[1] or "" for entry in entries})

    async def _leaders(self) -> Mapping[int, int]:
        """The broker that leads each partition."""
        topic = await self._seen()
        leaders = {part["partition"]: part["leader"] for part in topic["partitions"]}
        headless = [partition for partition, leader in leaders.items() if leader < 0]
        if headless:
            raise QueueUnavailable(f"topic {self._topic}: no broker leads partition {min(headless)}")
        return leaders

    async def _seen(self) -> Any:
        """The topic, as the brokers describe it."""

        async def ask() -> Any:
            [topic] = await self._admin.describe_topics([self._topic])
            _raise(topic["error_code"])
            return topic

        return await self._asked(f"topic {self._topic}", ask)

    async def ends(self, partitions: Collection[int]) -> Ends:
        """Where partitions begin and end now. Raises QueueUnavailable."""
        first = await self._ends(self._asker.beginning_offsets, partitions)
        return Ends(first, await self.next(partitions))

    async def next(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Only where they end. Raises QueueUnavailable."""
        return await self._ends(self._asker.end_offsets, partitions)

    async def _ends(self, which: Callable[[Any], Awaitable[Any]], partitions: Collection[int]) -> Mapping[int, int]:
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        found = await self._asked(f"asking for the ends of {self._topic}", lambda: which(places))
        return {place.partition: offset for place, offset in found.items()}

    # -- groups

    async def groups(self, prefix: str) -> Sequence[str]:
        """The names of the groups that the cluster knows, of those with this prefix. Raises QueueUnavailable."""
        found = await self._asked("listing the groups", self._admin.list_consumer_groups)
        return sorted({name for name, *_ in found if name.startswith(prefix)})

    async def committed(self, group: str) -> Mapping[int, tuple[int, str]]:
        """Offset and metadata that the group has committed, by partition of the topic. Raises QueueUnavailable."""
        doing = f"asking for the offsets of group {group}"
        found = await self._asked(doing, lambda: self._admin.list_consumer_group_offsets(group))
        return {
            place.partition: (said.offset, said.metadata)
            for place, said in found.items()
            if place.topic == self._topic and said.offset >= 0
        }

    async def read_groups(self, groups: Sequence[str]) -> frozenset[str]:
        """Those of these groups that have members. Raises QueueUnavailable."""
        return frozenset([group for group in groups if await self._is_read(group)])

    async def _is_read(self, group: str) -> bool:
        state, _ = await self._asked(f"describing group {group}", lambda: self._described(group))
        return state not in _EMPTY_STATES

    async def badges(self, group: str) -> frozenset[str]:
        """What the members of a group show of themselves. Raises QueueUnavailable, also where lanes are shared anew for
        long: nobody can be seen then."""

        async def ask() -> Sequence[Any]:
            state, members = await self._described(group)
            if state in _SHARING_STATES:  # brokers don't tell then what members said
                raise errors.GroupLoadInProgressError
            return members

        members = await self._asked(f"describing group {group}", ask)
        return frozenset(_badge(metadata) for *_, metadata, _ in members) - {""}

    async def _described(self, group: str) -> tuple[str, Sequence[Any]]:
        """The group's state and members. Raises what the client raises."""
        # One group at a time: the client asks in version 3 and reads the answer as version 2, whose end is shorter.
        [answer] = await self._admin.describe_consumer_groups([group])
        [(code, _, state, _, _, members)] = answer.groups
        _raise(code, but=errors.GroupIdNotFound)
        return str(state), members

    async def place(self, group: str, offsets: Mapping[int, int]) -> None:
        """Commit offsets for a group that has no members.

        Raises:
            GroupInUse: it has.
            QueueUnavailable: it did not work now.
        """
        places = {TopicPartition(self._topic, partition): offset for partition, offset in offsets.items()}
        client = AIOKafkaConsumer(**self._connection.options(), group_id=group, enable_auto_commit=False)
        client.assign(list(places))
        async with diagnosed(f"committing for group {group}", self._connection):
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    await client.start()
                    await client.commit({place: OffsetAndMetadata(offset, "") for place, offset in places.items()})
            except errors.KafkaError as error:
                if group in await self.read_groups([group]):
                    raise GroupInUse(group) from error
                raise
            finally:
                await end(client, _CLOSE_SECONDS)

    async def delete(self, group: str) -> None:
        """Delete a group. Raises as ``place``, and KeyError: there is no such group."""

        async def ask() -> None:
            node = await self._admin.find_coordinator(group)
            answer = await self._admin._send_request(DeleteGroupsRequest([group]), node)
            [(_, code)] = answer.results
            match errors.for_code(code):
                case errors.NonEmptyGroup:
                    raise GroupInUse(group)
                case errors.GroupIdNotFound:
                    raise KeyError(group)
                case _:
                    _raise(code)

        await self._asked(f"deleting group {group}", ask)

    def _advertised(self) -> Sequence[str]:
        """The brokers as the cluster has named them to us."""
        return [f"{broker.host}:{broker.port}" for broker in self._admin._client.cluster.brokers()]

    async def _asked(self, doing: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer, asked for again while the cluster is settling who answers. Raises QueueUnavailable."""
        async with diagnosed(doing, self._connection, self._advertised), asyncio.timeout(ASK_SECONDS):
            while True:
                try:
                    return await ask()
                except _SETTLING:
                    await asyncio.sleep(_AGAIN_SECONDS)
                except _ENDED:
                    # A connection ends, too, because it was idle, or its login too old: then another one is made.
                    if await trouble(self._connection):
                        raise
                    await asyncio.sleep(_AGAIN_SECONDS)


def _badge(metadata: bytes) -> str:
    """What a member shows, empty if it is none of ours."""
    try:
        return Claim.decode(ConsumerProtocolMemberMetadata.decode(metadata).user_data).badge
    except ValueError:
        return ""


def _raise(code: int, but: type[errors.KafkaError] | None = None) -> None:
    error = errors.for_code(code)
    if error not in (errors.NoError, but):
        raise error
