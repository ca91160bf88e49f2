"""Membership in a consumer group: joining, staying, taking part in rebalances, leaving.

Only this file and ``shutdown`` reach into the client's coordinator: the client's public face shows no metadata beside
offsets, cannot be asked for a rebalance, and would give up a membership that can be kept.
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
from exporter.queues.kafka.commits import CommittedOffset, from_kafka, to_kafka
from exporter.queues.kafka.failures import GivenUp, unreadable
from exporter.queues.kafka.fetch.lane import Lane
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.lease.assignment import Claim
from exporter.queues.kafka.lease.assignor import Assignor
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.progress.settled import Committed
from exporter.tasks.late_deadlines import answered_within
from exporter.tasks.lifetimes import asked_to_end

#: How long a rebalance waits for members to join again.
REBALANCE_SECONDS = 10.0
#: Longer than the other members need to notice a join; a join that takes longer is tried anew.
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
    """A consumer in a group. ``lanes`` learns which lanes the group assigns and takes away."""

    def __init__(
        self, connection: Connection, settings: KafkaSettings, group: str, lanes: Lanes, warn: Callable[[str], None]
    ) -> None:
        self._topic = settings.topic
        self._badge = connection.badge
        self._lanes = lanes
        self._warn = warn
        self._session_seconds = settings.session_timeout
        # Held during a rebalance, when a commit would cost the membership, see the client's ``GroupCoordinator``.
        self._commits = asyncio.Lock()
        self.rebalancing = False  # a rebalance is under way, during which nothing may be read
        self._bug: Exception | None = None
        self.proven_at = time.monotonic()  # when the membership was last certain
        assignor = Assignor(settings.topic, self)
        heartbeat_seconds = min(_HEARTBEAT_MOST_SECONDS, self._session_seconds / _HEARTBEATS_PER_SESSION)
        self._consumer = AIOKafkaConsumer(
            **connection.options(),
            group_id=group,
            group_instance_id=settings.instance_id,
            enable_auto_commit=False,
            auto_offset_reset="none",  # ``seek`` always says where to read, and a gap must raise
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
        self._consumer.subscribe([self._topic], listener=assignor)

    @property
    def _coordinator(self) -> Any:
        return self._consumer._coordinator

    # -- coming and going

    async def join(self) -> None:
        """Connect and wait for the first share, which may be empty.

        Raises:
            CLIENT_ERRORS: joining failed.
        """
        try:
            async with answered_within(JOIN_SECONDS):
                await self._consumer.start()
        except asyncio.CancelledError:
            if asked_to_end():
                raise
            raise GivenUp from None

    async def leave(self) -> None:
        """Leave the group, or only disconnect if leaving takes long. A static member does not leave the group."""
        self._lanes.lose_all()
        await end(self._consumer, _STOP_SECONDS)

    def look(self) -> None:
        """Raise any error of the client's background tasks; until a look the client does nothing more.

        Raises:
            CLIENT_ERRORS: a background task failed.
            Exception: a bug that ``found_bug`` noted.
        """
        if self._bug is not None:
            raise self._bug
        if self._coordinator._coordination_task.cancelled():
            raise GivenUp  # the client would let the cancellation out, as if the caller had been cancelled
        consumer = self._consumer
        # An unexpected error ends either task, and the client goes on without: reading nothing, or from brokers that
        # lead no more.
        if consumer._fetcher._fetch_task.done() or consumer._client._sync_task.done():
            raise GivenUp
        self._coordinator.check_errors()

    def ask_for_rebalance(self) -> None:
        """Join again, since the held lanes are not the lanes that the leader assumes."""
        self._coordinator.request_rejoin()

    def seconds_left(self) -> float:
        """How long the group may stay silent from now on before other members may read the held lanes."""
        patience = self._session_seconds + (REQUEST_SECONDS if self.rebalancing else 0.0)
        return max(0.0, self.proven_at + patience - time.monotonic())

    # -- offsets

    async def committed(self, partitions: Collection[int]) -> Mapping[int, CommittedOffset]:
        """The group's commits in ``partitions``, where there are any.

        Raises:
            CLIENT_ERRORS: the commits cannot be read.
        """
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        async with answered_within(COMMIT_SECONDS):
            found = await self._coordinator.fetch_committed_offsets(places)
        return {place.partition: from_kafka(said.offset, said.metadata) for place, said in found.items()}

    async def commit(self, wanted: Callable[[], Sequence[tuple[Lane, Committed]]]) -> None:
        """Commit the result of ``wanted``, called once no other commit and no rebalance is under way.

        Success also proves the membership.

        Raises:
            CLIENT_ERRORS: the commit failed.
        """
        async with answered_within(COMMIT_SECONDS), self._commits:
            positions = wanted()
            if not positions:
                return
            asked_at = time.monotonic()
            try:
                await self._coordinator.commit_offsets(None, self._offsets(positions))
            except OffsetMetadataTooLargeError:
                # The positions alone are right too; after a crash some events would be sent twice.
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
        """Records of assigned lanes; none after ``seconds``.

        Safe to cancel: nothing waits between taking and returning records.

        Raises:
            OffsetOutOfRangeError: a lane has no such position.
            CLIENT_ERRORS: no records can be had, or a record is unreadable.
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
            # The client may have taken records of any lane before the unreadable record, and has forgotten the records.
            self._seek_all()
            raise unreadable(error) from error
        return {place.partition: records for place, records in found.items()}

    def _seek_all(self) -> None:
        """Read each lane on after the last message handed out."""
        for number, position in self._lanes.reads_from().items():
            if self.is_assigned(number):
                self.seek(number, position)

    def seek(self, number: int, position: int) -> None:
        """Read lane ``number``, which must be assigned, from ``position`` on."""
        self._consumer.seek(TopicPartition(self._topic, number), position)

    def is_assigned(self, number: int) -> bool:
        """Whether the group has assigned lane ``number`` to this consumer."""
        return TopicPartition(self._topic, number) in self._consumer.assignment()

    def next_of(self, number: int) -> int | None:
        """The lane's high watermark at the last fetch, None without a fetch."""
        place = TopicPartition(self._topic, number)
        found: int | None = self._consumer.highwater(place) if place in self._consumer.assignment() else None
        return found

    # -- rebalances: see ``assignor.Member``

    async def begin_rebalance(self) -> None:
        """Read and commit nothing from now on. Held lanes are kept, unless the membership was lost."""
        if not self.rebalancing:
            self.rebalancing = True
            self._lanes.changed()  # no fetch may be waiting for records while positions are set anew
            await self._commits.acquire()

    def claim(self) -> Claim:
        """The held lanes. A member that is unknown to the broker holds no lane any more."""
        if not self._coordinator.member_id:
            self._lanes.lose_all()
        return replace(self._lanes.claim(), badge=self._badge)

    def found_bug(self, error: Exception) -> None:
        """Note the bug, which ``look`` raises."""
        self._bug = error

    def end_rebalance(self, numbers: Collection[int], release: Collection[int]) -> None:
        """Take over the leader's assignment, and read and commit again."""
        self.proven_at = time.monotonic()
        again = self._lanes.assigned(numbers, release, self._coordinator.generation)
        self._seek_all()
        if self.rebalancing:
            self.rebalancing = False
            self._commits.release()
        self._lanes.changed()
        if again:
            self.ask_for_rebalance()
