"""Consumer groups from outside: what they have committed, who is in them, and to place and delete them."""

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
from exporter.queues.kafka.commits import Said, from_kafka, to_kafka
from exporter.queues.kafka.fetch.begin import Ends, is_of_another
from exporter.queues.kafka.lease.assignment import Claim
from exporter.queues.port import GroupInUse, Position
from exporter.queues.progress.settled import Committed
from exporter.transport.read_first import answered_within

_CLOSE_SECONDS = 3.0
_SHARING_STATES = frozenset({"PreparingRebalance", "CompletingRebalance"})
_EMPTY_STATES = frozenset({"Empty", "Dead", ""})


class Groups:
    """The groups that read the cluster's topic."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._admin = cluster.admin

    async def names(self, prefix: str) -> Sequence[str]:
        """The names of the groups that the cluster knows, of those with this prefix. Raises QueueUnavailable."""
        found = await self._cluster.asked("listing the groups", self._admin.list_consumer_groups)
        return sorted({name for name, *_ in found if name.startswith(prefix)})

    async def committed(self, group: str) -> Mapping[int, Said]:
        """What the group has committed, by partition of the topic. Raises QueueUnavailable."""
        doing = f"asking for the offsets of group {group}"
        found = await self._cluster.asked(doing, lambda: self._admin.list_consumer_group_offsets(group))
        return {
            place.partition: from_kafka(said.offset, said.metadata)
            for place, said in found.items()
            if place.topic == self._cluster.topic and said.offset >= 0
        }

    async def read(self, groups: Sequence[str]) -> frozenset[str]:
        """Those of these groups that have members. Raises QueueUnavailable."""
        return frozenset([group for group in groups if await self._is_read(group)])

    async def _is_read(self, group: str) -> bool:
        state, _ = await self._cluster.asked(f"describing group {group}", lambda: self._described(group))
        return state not in _EMPTY_STATES

    async def badges(self, group: str) -> frozenset[str]:
        """What the members of a group show of themselves. Raises QueueUnavailable, also where lanes are shared anew for
        long: nobody can be seen then."""

        async def ask() -> Sequence[Any]:
            state, members = await self._described(group)
            if state in _SHARING_STATES:  # brokers don't tell then what members said
                raise errors.GroupLoadInProgressError
            return members

        members = await self._cluster.asked(f"describing group {group}", ask)
        return frozenset(_badge(metadata) for *_, metadata, _ in members) - {""}

    async def _described(self, group: str) -> tuple[str, Sequence[Any]]:
        """The group's state and members. Raises what the client raises."""
        # One group at a time: the client asks in version 3 and reads the answer as version 2, whose end is shorter.
        [answer] = await self._admin.describe_consumer_groups([group])
        [(code, _, state, _, _, members)] = answer.groups
        _raise(code, but=errors.GroupIdNotFound)
        return str(state), members

    async def place(self, group: str, offsets: Mapping[int, int], incarnation: str) -> None:
        """Commit offsets, the next to read, for a group that has no members.

        Raises:
            GroupInUse: it has.
            QueueUnavailable: it did not work now.
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

        await self._cluster.asked(f"deleting group {group}", ask)


def positions_of(
    group: str, committed: Mapping[int, Said], incarnation: str, ends: Ends, *, reader: bool
) -> Iterator[Position]:
    """Where a group stands, in the order of the partitions; ``reader``: somebody is in it."""
    # Members show that they are there by committing for one of their lanes.
    shown_at = max((said.at for said in committed.values() if said.at is not None), default=None)
    seen_at = time.time() if reader else shown_at
    for number, said in sorted(committed.items()):
        first, following = ends.first.get(number, 0), ends.next.get(number, 0)
        settled_to, ranges = (first - 1, ()) if is_of_another(said, incarnation) else (said.settled_to, said.ranges)
        beyond = sum(end - begin + 1 for begin, end in ranges)
        lag = max(0, following - max(settled_to + 1, first) - beyond)
        yield Position(group, lane_name(number, incarnation), settled_to, beyond, lag, reader, seen_at)


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
