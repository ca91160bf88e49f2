"""A member's part in a rebalance: the client calls the ``Assignor``, and the ``Assignor`` calls the member."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from exporter.queues.kafka.lease.assignment import PROTOCOL, Claim, decode_release, encode_release, share


class Member(Protocol):
    """A member in a rebalance: ``begin_rebalance``, ``claim`` and ``end_rebalance`` are called in turn."""

    async def begin_rebalance(self) -> None:
        """Prepare for a rebalance that begins now."""
        ...

    def claim(self) -> Claim:
        """The member's claim, for the leader."""
        ...

    def end_rebalance(self, numbers: Collection[int], release: Collection[int]) -> None:
        """Take the leader's assignment: ``numbers`` are the member's lanes, ``release`` the held lanes to release."""
        ...

    def found_bug(self, error: Exception) -> None:
        """Note a bug, found where the client would only log the error."""
        ...


class Assignor(AbstractPartitionAssignor, ConsumerRebalanceListener):  # type: ignore[misc]
    """``assignment.share`` as the client calls it; also tells the member of each rebalance.

    The client's own assignors are classes, with one state for all consumers of a process; an ``Assignor`` is an object,
    made for each consumer.
    """

    name = PROTOCOL

    def __init__(self, topic: str, member: Member) -> None:
        self._topic = topic
        self._member = member
        self._release: frozenset[int] = frozenset()  # held lanes that the leader asks for

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """The metadata for joining, with the member's claim."""
        return ConsumerProtocolMemberMetadata(0, list(topics), self._member.claim().encode())

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """As the leader: share the lanes."""
        claims = {member: Claim.decode(said.user_data) for member, said in members.items()}
        # Partitions that the metadata does not show just now are still read by their holders.
        known = set(cluster.partitions_for_topic(self._topic) or ())
        known.update(*(claim.held | claim.leaving for claim in claims.values()))
        return {
            member: ConsumerProtocolMemberAssignment(
                0, [(self._topic, list(given.lanes))], encode_release(given.release)
            )
            for member, given in share(known, claims).items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Note the lanes to release, from the leader's assignment."""
        self._release = decode_release(assignment.user_data)

    async def on_partitions_revoked(self, _: Collection[TopicPartition]) -> None:
        """Called before each join, with all assigned partitions; the claims decide which of them stay."""
        await self._member.begin_rebalance()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called after each join, when ``on_assignment`` has noted the lanes to release."""
        try:
            self._member.end_rebalance([place.partition for place in assigned], self._release)
        except Exception as error:
            self._member.found_bug(error)  # the client would only log the error
