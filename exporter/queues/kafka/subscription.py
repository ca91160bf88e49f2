"""A destination's subscription to the topic: hands out messages and notes settled messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord

from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.queues.commit_timing import CommitTiming
from exporter.queues.kafka.check.diagnosis import cause
from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.failures import CLIENT_ERRORS
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.lease.upkeep import AGAIN_MOST_SECONDS, LeaseUpkeep
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.port import Batch, Lag, LaneLost, QueueUnavailable
from exporter.queues.positions import lag_of
from exporter.tasks.background import in_background
from exporter.tasks.waiting import wait_at_most

_FETCH_SECONDS = 5.0


class KafkaSubscription:
    """``Subscription`` to a topic. Made by ``KafkaQueue.subscribe``.

    ``LeaseUpkeep`` sees that there are lanes to read, and commits when ``CommitTiming`` says so.
    """

    def __init__(
        self,
        group: str,
        settings: KafkaSettings,
        cluster: Cluster,
        high_watermarks: HighWatermarks,
        warn: Callable[[str], None],
    ) -> None:
        self._connection = cluster.connection
        self._settings = settings
        self._high_watermarks = high_watermarks
        self._changed = asyncio.Event()
        self._patience: asyncio.Timeout | None = None  # of the fetch that receive waits for
        self._lanes = Lanes(settings.range_bytes, self._wake)
        self._upkeep = LeaseUpkeep(group, settings, cluster, high_watermarks, self._lanes, self._wake, warn)
        self._commits = CommitTiming(
            self._upkeep.commit,
            failed=self._commit_failed,
            ended="the subscription has ended",
            again_most_seconds=AGAIN_MOST_SECONDS,
            soon_seconds=settings.commit_interval,
        )

    @asynccontextmanager
    async def member(self) -> AsyncIterator[None]:
        """Be a member of the group, until this context is left: with a last commit, if possible.

        Raises:
            QueueUnavailable: on entering: joining failed.
        """
        try:
            with self._high_watermarks.watched():
                await self._upkeep.join()
                async with in_background(self._upkeep.run, self._upkeep.fence, self._commits.run):
                    yield
        finally:
            await self._upkeep.leave()

    # -- the port

    async def receive(self, limit: int) -> Batch | LaneLost:
        await asyncio.sleep(0)
        if self._lanes.told():
            self._upkeep.look_soon()
        while True:
            self._changed.clear()
            lost = self._lanes.news()
            if lost is not None:
                return lost
            taken = await self._next(limit) if limit > 0 else []
            if taken:
                return Batch(taken)
            if self._changed.is_set():
                continue
            # Trouble with the topic explains trouble with the group.
            if self._high_watermarks.failure is not None:
                raise QueueUnavailable(str(self._high_watermarks.failure))
            if self._upkeep.failure is not None:
                raise QueueUnavailable(self._upkeep.failure)
            if limit <= 0 or not self._readable():
                # Not for ever: ``high_watermarks`` finds out that the topic cannot be reached, and wakes no waiter.
                await wait_at_most(_FETCH_SECONDS, self._changed)

    def settle(self, message: Message) -> None:
        if self._lanes.settle(message):
            self._commits.note()

    def reads(self, lane: str | None) -> bool:
        """Lanes of other queues belong to the reader of partition 0."""
        return self._lanes.reads(lane)

    def knows(self, lane: str) -> bool:
        """Whether ``lane`` is of the topic that has the configured name now."""
        return self._lanes.knows(lane)

    async def commit(self) -> None:
        await self._commits.commit()

    def lag(self) -> Lag:
        """That of the lanes read here. Events published elsewhere count after a few seconds."""
        behind = self._lanes.in_hand()
        oldest: float | None = None
        unsettled = self._lanes.unsettled()
        if not unsettled and self._upkeep.failure is not None:
            # The lanes went with the brokers: how much waits there is unknown, which is not the same as nothing.
            return Lag(None, None)
        for number, position, message in unsettled:
            following = self._high_watermarks.next(number)
            if following is None:
                return Lag(None, None)
            behind += max(0, following - position)
            if message is not None:
                oldest = message.taken_at if oldest is None else min(oldest, message.taken_at)
        return lag_of(behind, oldest)

    # -- reading

    def _readable(self) -> Sequence[int]:
        return () if self._upkeep.membership.rebalancing else self._lanes.readable()

    async def _next(self, limit: int) -> list[Message]:
        """Fetch messages of held lanes; none after a while, or when something has changed.

        Raises:
            QueueUnavailable: the client failed, with the reason.
        """
        membership = self._upkeep.membership
        readable = self._readable()
        if not readable:
            return []
        try:
            membership.look()
        except CLIENT_ERRORS as error:
            raise await self._upkeep.unusable(error) from error
        try:
            fetched = await self._fetched(readable, limit)
        except TimeoutError:
            return []
        except OffsetOutOfRangeError as error:
            for place, position in error.args[0].items():
                self._lanes.cannot_read(place.partition, position)
            self._upkeep.look_soon()
            return []
        except CLIENT_ERRORS as error:
            raise QueueUnavailable(f"topic {self._settings.topic}: {await cause(error, self._connection)}") from error
        taken: list[Message] = []
        for number, records in fetched.items():
            lane = self._lanes.name_of(number)
            if lane is not None:
                taken.extend(self._lanes.take(number, _messages(lane, records, self._settings.id_headers)))
            following = membership.next_of(number)
            if following is not None:
                self._high_watermarks.reaches(number, following)
        return taken

    async def _fetched(self, numbers: Sequence[int], limit: int) -> Mapping[int, list[ConsumerRecord]]:
        """Fetch records of these partitions.

        Raises:
            TimeoutError: something has changed meanwhile.
            CLIENT_ERRORS: the client failed.
        """
        seconds = 0.0 if self._upkeep.failure else _FETCH_SECONDS
        try:
            async with asyncio.timeout(None) as self._patience:
                return await self._upkeep.membership.fetch(numbers, limit, seconds)
        finally:
            self._patience = None

    def _commit_failed(self) -> None:
        self._upkeep.failed(self._commits.failure or "")

    def _wake(self) -> None:
        self._changed.set()
        if self._lanes.wanted:
            self._upkeep.look_soon()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())
            self._patience = None


def _messages(lane: str, records: Iterable[ConsumerRecord], id_headers: Sequence[str]) -> Iterator[Message]:
    """A message for each record; the first of ``id_headers`` that is set holds the id. A tombstone's body is empty."""
    for record in records:
        taken_at = record.timestamp / 1000 if record.timestamp >= 0 else time.time()
        event_id = trace = None
        if record.headers:
            headers = dict(reversed(record.headers))
            event_id = _event_id(headers, id_headers)
            trace = Trace.of_headers(headers.get("traceparent"), headers.get("tracestate"))
        yield Message(lane, record.offset, record.value or b"", taken_at, event_id, None, trace)


def _event_id(headers: Mapping[str, bytes], id_headers: Sequence[str]) -> str | None:
    for name in id_headers:
        value = headers.get(name)
        if value:
            with suppress(UnicodeDecodeError):
                return bytes(value).decode()
    return None
