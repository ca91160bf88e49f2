"""Being a member of a consumer group: joining, staying, taking part when lanes are shared anew, leaving.

Beside ``ending``, the one place that reaches into the client's coordinator, whose public face has no metadata beside
offsets, no way to ask for a new sharing, and would give up a membership that we can keep.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetMetadataTooLargeError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata

from exporter.queues.kafka.cluster.connection import REQUEST_SECONDS, Connection
from exporter.queues.kafka.cluster.shutdown import end
from exporter.queues.kafka.commits import Said, from_kafka, to_kafka
from exporter.queues.kafka.failures import GivenUp, unreadable
from exporter.queues.kafka.fetch.lane import Lane
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.lease.assignment import Claim
from exporter.queues.kafka.lease.assignor import Assignor, Listener
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.progress.settled import Committed
from exporter.tasks.lifetimes import asked_to_end
from exporter.transport.read_first import answered_within

#: A join that takes longer than others need to notice it is tried anew.
REBALANCE_SECONDS = 10.0
JOIN_SECONDS = 45.0
COMMIT_SECONDS = 5.0
_STOP_SECONDS = 4.0
_HEARTBEATS_PER_SESSION = 5
_HEARTBEAT_MOST_SECONDS = 3.0
_NEVER_MS = 2**31 - 1
_METADATA_SECONDS = 30
_TOO_LITTLE_ROOM = (
    "the brokers' offset.metadata.max.bytes is below our offset_metadata_max_bytes: after a crash more is sent twice"
)


class Membership:
    """One consumer in one group. ``lanes`` learns what it is given and what is taken from it."""

    def __init__(
        self, connection: Connection, settings: KafkaSettings, group: str, lanes: Lanes, warn: Callable[[str], None]
    ) -> None:
        self._topic = settings.topic
        self._badge = connection.badge
        self._lanes = lanes
        self._warn = warn
        self._session_seconds = settings.session_timeout
        # Held while lanes are shared anew: a commit then would cost us the membership, see ``GroupCoordinator``.
        self._commits = asyncio.Lock()
        self._sharing = False
        self._bug: Exception | None = None
        self.proven_at = time.monotonic()  # when we last knew that we are a member
        assignor = Assignor(settings.topic, self)
        heartbeat_seconds = min(_HEARTBEAT_MOST_SECONDS, self._session_seconds / _HEARTBEATS_PER_SESSION)
        self._consumer = AIOKafkaConsumer(
            **connection.options(),
            group_id=group,
            group_instance_id=settings.instance_id,
            enable_auto_commit=False,
            auto_offset_reset="none",  # where to read is always said; a gap is for us to notice
            isolation_level=settings.isolation_level,
            max_partition_fetch_bytes=int(settings.fetch_max_bytes),
            metadata_max_age_ms=_METADATA_SECONDS * 1000,
            session_timeout_ms=int(self._session_seconds * 1000),
            heartbeat_interval_ms=int(heartbeat_seconds * 1000),
            rebalance_timeout_ms=int(REBALANCE_SECONDS * 1000),
            # A dataflow may be paused for days without calling receive; the heartbeats go on.
            max_poll_interval_ms=_NEVER_MS,
            partition_assignment_strategy=(assignor,),
        )
        self._consumer.subscribe([self._topic], listener=Listener(self, assignor))

    @property
    def _coordinator(self) -> Any:
        return self._consumer._coordinator

    # -- coming and going

    async def join(self) -> None:
        """Connect and wait for the first share, which may be empty. Raises what the client raises."""
        try:
            async with answered_within(JOIN_SECONDS):
                await self._consumer.start()
        except asyncio.CancelledError:
            if asked_to_end():
                raise
            raise GivenUp from None

    async def leave(self) -> None:
        """Leave the group, or just go if that takes long. A static member does not leave."""
        self._lanes.lose_all()
        await end(self._consumer, _STOP_SECONDS)

    def look(self) -> None:
        """Raise what has gone wrong in the background; until somebody looks, the client does nothing more."""
        if self._bug is not None:
            raise self._bug
        if self._coordinator._coordination_task.cancelled():
            raise GivenUp  # the client would let the cancellation out, as if it were ours
        consumer = self._consumer
        # These end by what the client does not expect, and it goes on without them: reading nothing, or from brokers
        # that lead no more.
        if consumer._fetcher._fetch_task.done() or consumer._client._sync_task.done():
            raise GivenUp
        self._coordinator.check_errors()

    def ask_for_new_share(self) -> None:
        """Join again: we hold other lanes than the leader thinks."""
        self._coordinator.request_rejoin()

    def seconds_left(self) -> float:
        """For so long we may go without a sign of the group before others may read our lanes."""
        patience = self._session_seconds + (REQUEST_SECONDS if self._sharing else 0.0)
        return max(0.0, self.proven_at + patience - time.monotonic())

    # -- offsets

    async def committed(self, partitions: Collection[int]) -> Mapping[int, Said]:
        """What the group has committed, where it has. Raises what the client raises."""
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        async with answered_within(COMMIT_SECONDS):
            found = await self._coordinator.fetch_committed_offsets(places)
        return {place.partition: from_kafka(said.offset, said.metadata) for place, said in found.items()}

    async def commit(self, wanted: Callable[[], Sequence[tuple[Lane, Committed]]]) -> None:
        """Commit what ``wanted`` gives when it is our turn. Raises what the client raises.

        Success also proves that we are a member.
        """
        async with answered_within(COMMIT_SECONDS), self._commits:
            positions = wanted()
            if not positions:
                return
            asked_at = time.monotonic()
            try:
                await self._coordinator.commit_offsets(None, self._offsets(positions))
            except OffsetMetadataTooLargeError:
                # The positions alone are right too; after a crash some would be sent twice.
                self._warn(_TOO_LITTLE_ROOM)
                bare = [(lane, Committed(committed.settled_to, b"")) for lane, committed in positions]
                await self._coordinator.commit_offsets(None, self._offsets(bare))
            for lane, committed in positions:
                lane.durable = committed
            self.proven_at = max(self.proven_at, asked_at)

    def _offsets(self, positions: Sequence[tuple[Lane, Committed]]) -> dict[TopicPartition, OffsetAndMetadata]:
        now = time.time()
        return {
            TopicPartition(self._topic, lane.number): OffsetAndMetadata(*to_kafka(committed, lane.incarnation, now))
            for lane, committed in positions
        }

    # -- records

    async def fetch(self, numbers: Sequence[int], limit: int, seconds: float) -> Mapping[int, list[ConsumerRecord]]:
        """Records of these lanes, which must be assigned; nothing after so many seconds.

        Safe to cancel: between taking records and returning them nothing waits.
        """
        places = [TopicPartition(self._topic, number) for number in numbers]
        try:
            found = await self._consumer.getmany(*places, timeout_ms=int(seconds * 1000), max_records=limit)
        except OffsetOutOfRangeError:
            raise
        except asyncio.CancelledError:
            if asked_to_end():
                raise
            self._seek_all()
            raise GivenUp from None
        except Exception as error:
            # Of this lane and of others the client may have taken records before that one, and has forgotten them.
            self._seek_all()
            raise unreadable(error) from error
        return {place.partition: records for place, records in found.items()}

    def _seek_all(self) -> None:
        """Read each lane on behind what was handed out."""
        for number, position in self._lanes.reads_from().items():
            if self.is_assigned(number):
                self.seek(number, position)

    def seek(self, number: int, position: int) -> None:
        """Read this lane from here. It must be assigned."""
        self._consumer.seek(TopicPartition(self._topic, number), position)

    def is_assigned(self, number: int) -> bool:
        """Whether the group has given us this lane."""
        return TopicPartition(self._topic, number) in self._consumer.assignment()

    def next_of(self, number: int) -> int | None:
        """Where the lane ended at the last fetch, if it was fetched."""
        place = TopicPartition(self._topic, number)
        found: int | None = self._consumer.highwater(place) if place in self._consumer.assignment() else None
        return found

    @property
    def sharing(self) -> bool:
        """Whether lanes are being shared anew just now; then nothing may be read."""
        return self._sharing

    # -- when lanes are shared anew: see ``sharing.Member``

    async def begin_sharing(self) -> None:
        """Lanes will be shared anew. We keep those that we hold unless we have lost the membership."""
        if not self._sharing:
            self._sharing = True
            self._lanes.touched()  # nobody may be waiting for records while positions are set anew
            await self._commits.acquire()

    def claim(self) -> Claim:
        """What to say to the leader. Who is unknown to the broker holds nothing any more."""
        if not self._coordinator.member_id:
            self._lanes.lose_all()
        return replace(self._lanes.claim(), badge=self._badge)

    def found_bug(self, error: Exception) -> None:
        """Something that must not happen has happened where nobody listens."""
        self._bug = error

    def end_sharing(self, numbers: Collection[int], release: Collection[int]) -> None:
        """The leader has spoken."""
        self.proven_at = time.monotonic()
        again = self._lanes.assigned(numbers, release, self._coordinator.generation)
        self._seek_all()
        if self._sharing:
            self._sharing = False
            self._commits.release()
        self._lanes.touched()
        if again:
            self.ask_for_new_share()
