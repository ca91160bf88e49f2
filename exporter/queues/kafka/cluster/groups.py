"""Consumer groups from outside: reading commits and members, placing and deleting groups."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import aiokafka.errors as errors
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.structs import OffsetAndMetadata

from exporter.queues.kafka.check.diagnosis import diagnosed
from exporter.queues.kafka.cluster.cluster import ASK_SECONDS, Cluster
from exporter.queues.kafka.cluster.shutdown import end
from exporter.queues.kafka.cluster.topic_ids import lane_name
from exporter.queues.kafka.commits import CommittedOffset, from_kafka, to_kafka
from exporter.queues.kafka.fetch.start_positions import Ends, is_of_another
from exporter.queues.kafka.lease.assignment import Claim
from exporter.queues.port import GroupInUse, Position
from exporter.queues.progress.settled import Committed, count
from exporter.tasks.late_deadlines import answered_within

_CLOSE_SECONDS = 3.0
_REBALANCING_STATES = frozenset({"PreparingRebalance", "CompletingRebalance"})
_EMPTY_STATES = frozenset({"Empty", "Dead", ""})


class Groups:
    """The groups that read the cluster's topic."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._admin = cluster.admin

    async def names(self, prefix: str) -> Sequence[str]:
        """The names of the cluster's groups that begin with ``prefix``. Raises as ``Cluster.asked``."""
        found = await self._cluster.asked("listing the groups", self._admin.list_consumer_groups)
        return sorted({name for name, *_ in found if name.startswith(prefix)})

    async def committed(self, group: str) -> Mapping[int, CommittedOffset]:
        """The group's commits, by partition of the topic. Raises as ``Cluster.asked``."""
        doing = f"asking for the offsets of group {group}"
        found = await self._cluster.asked(doing, lambda: self._admin.list_consumer_group_offsets(group))
        return {
            place.partition: from_kafka(said.offset, said.metadata)
            for place, said in found.items()
            if place.topic == self._cluster.topic and said.offset >= 0
        }

    async def read(self, groups: Sequence[str]) -> frozenset[str]:
        """The groups of ``groups`` that have members. Raises as ``Cluster.asked``."""
        return frozenset([group for group in groups if await self._is_read(group)])

    async def _is_read(self, group: str) -> bool:
        state, _ = await self._cluster.asked(f"describing group {group}", lambda: self._described(group))
        return state not in _EMPTY_STATES

    async def badges(self, group: str) -> frozenset[str]:
        """The badges of a group's members.

        Raises:
            QueueUnavailable: as ``Cluster.asked``; also during a long rebalance, when brokers show no badges.
        """

        async def ask() -> Sequence[Any]:
            state, members = await self._described(group)
            if state in _REBALANCING_STATES:  # brokers do not show members' claims then
                raise errors.GroupLoadInProgressError
            return members

        members = await self._cluster.asked(f"describing group {group}", ask)
        return frozenset(_badge(metadata) for *_, metadata, _ in members) - {""}

    async def _described(self, group: str) -> tuple[str, Sequence[Any]]:
        """The group's state and members.

        Raises:
            CLIENT_ERRORS: the group cannot be described.
        """
        # A group at a time: the client asks in version 3 and reads the answer as version 2, whose end is shorter.
        [answer] = await self._admin.describe_consumer_groups([group])
        [(code, _, state, _, _, members)] = answer.groups
        _raise(code, but=errors.GroupIdNotFound)
        return str(state), members

    async def place(self, group: str, offsets: Mapping[int, int], incarnation: str) -> None:
        """Commit offsets, the next to read, for a group that has no members.

        Raises:
            GroupInUse: the group has members.
            QueueUnavailable: the commit failed.
        """
        places = {}
        for partition, offset in offsets.items():
            said = to_kafka(Committed(offset - 1, b""), incarnation, time.time())
            places[TopicPartition(self._cluster.topic, partition)] = OffsetAndMetadata(*said)
        connection = self._cluster.connection
        client = AIOKafkaConsumer(**connection.options(), group_id=group, enable_auto_commit=False)
        client.assign(list(places))
        async with diagnosed(f"committing for group {group}", connection):
            try:
                async with answered_within(ASK_SECONDS):
                    await client.start()
                    await client.commit(places)
            except errors.KafkaError as error:
                if group in await self.read([group]):
                    raise GroupInUse(group) from error
                raise
            finally:
                await end(client, _CLOSE_SECONDS)

    async def delete(self, group: str) -> None:
        """Delete a group.

        Raises:
            GroupInUse: the group has members.
            KeyError: there is no such group.
            QueueUnavailable: as ``Cluster.asked``.
        """

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

        await self._cluster.asked(f"deleting group {group}", ask)


def positions_of(
    group: str, committed: Mapping[int, CommittedOffset], incarnation: str, ends: Ends, *, reader: bool
) -> Iterator[Position]:
    """A group's positions, in the order of the partitions; ``reader``: the group has members."""
    # Members prove their membership by commits, so the last commit tells when the group was seen last.
    shown_at = max((said.at for said in committed.values() if said.at is not None), default=None)
    seen_at = time.time() if reader else shown_at
    for number, said in sorted(committed.items()):
        first, following = ends.first.get(number, 0), ends.next.get(number, 0)
        settled_to, ranges = (first - 1, ()) if is_of_another(said, incarnation) else (said.settled_to, said.ranges)
        beyond = count(ranges)
        lag = max(0, following - max(settled_to + 1, first) - beyond)
        yield Position(group, lane_name(number, incarnation), settled_to, beyond, lag, reader, seen_at, following - 1)


def _badge(metadata: bytes) -> str:
    """The badge in a member's metadata, empty if the member is no exporter."""
    try:
        return Claim.decode(ConsumerProtocolMemberMetadata.decode(metadata).user_data).badge
    except ValueError:
        return ""


def _raise(code: int, but: type[errors.KafkaError] | None = None) -> None:
    error = errors.for_code(code)
    if error not in (errors.NoError, but):
        raise error
