"""How the client lets a member take part when lanes are shared anew: it calls these two, and they call the member."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from exporter.queues.kafka.lease.assignment import PROTOCOL, Claim, decode_release, encode_release, share


class Member(Protocol):
    """Who takes part; the methods are called in this order."""

    async def begin_sharing(self) -> None:
        """Lanes will be shared anew."""
        ...

    def claim(self) -> Claim:
        """What to say to the leader."""
        ...

    def end_sharing(self, numbers: Collection[int], release: Collection[int]) -> None:
        """The leader has spoken: lanes that we have, and lanes of ours that it asks us for."""
        ...

    def found_bug(self, error: Exception) -> None:
        """Something that must not happen has happened where nobody listens."""
        ...


class Assignor(AbstractPartitionAssignor):  # type: ignore[misc]
    """``assignment.share`` as the client calls it. The client's classes keep their state for all consumers of a
    process in one place; so this is an object of its own for each."""

    name = PROTOCOL

    def __init__(self, topic: str, member: Member) -> None:
        self._topic = topic
        self._member = member
        self.release: frozenset[int] = frozenset()  # lanes that the leader asks us for

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What we say when joining."""
        return ConsumerProtocolMemberMetadata(0, list(topics), self._member.claim().encode())

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """As the leader: share the lanes."""
        claims = {member: Claim.decode(said.user_data) for member, said in members.items()}
        # Partitions that the metadata does not show just now are still read by those who hold them.
        known = set(cluster.partitions_for_topic(self._topic) or ())
        known.update(*(claim.held | claim.leaving for claim in claims.values()))
        return {
            member: ConsumerProtocolMemberAssignment(
                0, [(self._topic, list(given.lanes))], encode_release(given.release)
            )
            for member, given in share(known, claims).items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """What we were given."""
        self.release = decode_release(assignment.user_data)


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the member when sharing begins, and what came of it."""

    def __init__(self, member: Member, assignor: Assignor) -> None:
        self._member = member
        self._assignor = assignor

    async def on_partitions_revoked(self, _: Collection[TopicPartition]) -> None:
        """Called before each join, with all that we have; what we keep is settled by the claims."""
        await self._member.begin_sharing()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called after each join, when the assignor has heard what is to be released."""
        try:
            self._member.end_sharing([place.partition for place in assigned], self._assignor.release)
        except Exception as error:
            self._member.found_bug(error)  # the client would only log it
