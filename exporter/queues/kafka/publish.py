"""Putting events on the topic: idempotent, acknowledged by all replicas in sync, keyed by profile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Literal, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)

from exporter.queues.kafka.check.diagnosis import diagnosed
from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.cluster.shutdown import end_producer
from exporter.queues.kafka.failures import NoRight, reason
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.look_back import NUMBER_HEADER
from exporter.queues.numbered import stamp
from exporter.queues.port import MAX_NUMBER, EventTooLarge, Outgoing
from exporter.tasks.late_deadlines import answered_within

_Headers: TypeAlias = Sequence[tuple[str, bytes]]

PUBLISH_SECONDS = 60.0
_CLOSE_SECONDS = 3.0
_BATCH_BYTES = 16 * 1024
_REQUEST_BYTES = 64 * 1024**2  # the broker decides which events are too large
#: What a batch of one event holds beside the event's body and stamp, with a key of up to 256 bytes.
_BESIDE_BYTES = 512

#: A user who may write to no topic gets no id for an idempotent producer; brokers call that a right on the cluster.
_MAY_NOT_WRITE = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


#: Errors of an event that no broker would take later.
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)


class Publisher:
    """Publishes through a producer that is made when first needed, and made anew after a failure."""

    def __init__(self, cluster: Cluster, high_watermarks: HighWatermarks) -> None:
        self._connection = cluster.connection
        self._cluster = cluster
        self._topic = cluster.topic
        self._high_watermarks = high_watermarks
        self._producer: AIOKafkaProducer | None = None
        self._turn = asyncio.Lock()

    async def publish(self, messages: Sequence[Outgoing], stamps: Sequence[str] | None = None) -> Literal[0]:
        """Publish the messages; ``stamps``, one for each message, go along in a header. None is left out here.

        Raises:
            EventTooLarge: all was published but what is too large for the brokers.
            QueueUnavailable: some of the events may be on the topic.
        """
        async with (
            diagnosed(f"publishing to {self._topic}", self._connection),
            answered_within(PUBLISH_SECONDS),
            self._turn,
        ):
            try:
                refused = await self._publish(messages, stamps)
            except _MAY_NOT_WRITE as error:
                await self.close()
                raise NoRight("Write", "topic") from error
            except BaseException:
                # Events that the producer still holds must not land after events published next.
                await self.close()
                raise
        if refused:
            raise EventTooLarge(reason(MessageSizeTooLargeError()), refused)
        return 0

    async def max_event_bytes(self, producer: str) -> int | None:
        """The size of the largest event that topic and client take with a stamp; None where the topic does not tell.

        Raises:
            QueueUnavailable: the brokers cannot be asked.
        """
        most = await self._max_batch_bytes()
        if most is None:
            return None
        return max(0, min(most, _REQUEST_BYTES) - _BESIDE_BYTES - len(stamp(producer, MAX_NUMBER)))

    async def _max_batch_bytes(self) -> int | None:
        most = (await self._cluster.topic_settings()).configs.get("max.message.bytes", "")
        return int(most) if most.isdecimal() else None

    async def _publish(self, messages: Sequence[Outgoing], stamps: Sequence[str] | None) -> Sequence[int]:
        """Publish, and return the indexes of events that are too large; all other events are on the topic.

        Raises:
            CLIENT_ERRORS: the client failed; some of the events may be on the topic.
        """
        headers = None if stamps is None else [[(NUMBER_HEADER, text.encode("ascii"))] for text in stamps]
        refused: list[int] = []
        left: Sequence[int] = range(len(messages))
        while left:
            producer = await self._started()
            errors = await self._send(
                producer, [messages[index] for index in left], headers and [headers[index] for index in left]
            )
            failed = {left[at]: error for at, error in errors.items()}
            too_large = [index for index, error in failed.items() if isinstance(error, _TOO_LARGE)]
            refused += too_large
            left = [index for index in failed if index not in too_large]
            for index in left:
                # A broker that refused a batch of a partition refuses the next ones too: the sequence has a gap.
                if not (too_large and isinstance(failed[index], OutOfOrderSequenceNumber)):
                    raise failed[index]
            if too_large:
                await self.close()  # the next producer's sequence numbers begin anew
        return sorted(refused)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self._high_watermarks.look()  # the client would take long to find that there is no such topic
            most = await self._max_batch_bytes()
            producer = self._producer = AIOKafkaProducer(
                **self._connection.options(),
                enable_idempotence=True,
                acks="all",
                max_request_size=_REQUEST_BYTES,
                # So a refused batch is a single event that is too large, never several events together.
                max_batch_size=_BATCH_BYTES if most is None else min(_BATCH_BYTES, most),
            )
            await producer.start()
        return self._producer

    async def _send(
        self, producer: AIOKafkaProducer, messages: Sequence[Outgoing], headers: Sequence[_Headers] | None
    ) -> Mapping[int, BaseException]:
        """Send ``messages``, with ``headers`` if there are any; return the errors of failed messages by index."""
        sent: list[Any] = []
        failed: dict[int, BaseException] = {}
        try:
            for message, header in zip(messages, headers or repeat(None)):  # noqa: B905 - one may have no end
                key = None if message.key is None else message.key.encode("utf-8", "surrogatepass")
                try:
                    sent.append(await producer.send(self._topic, message.body, key=key, headers=header))
                except _TOO_LARGE as error:  # larger than the client would send at all
                    failed[len(sent)] = error
                    sent.append(_nothing())
        finally:
            results = await asyncio.gather(*sent, return_exceptions=True)
        for index, result in enumerate(results):
            if isinstance(result, BaseException):
                failed[index] = result
            elif result is not None:
                self._high_watermarks.reaches(result.partition, result.offset + 1)
        return dict(sorted(failed.items()))

    async def close(self) -> None:
        """End the producer; unsent events are given up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await end_producer(producer, _CLOSE_SECONDS)


async def _nothing() -> None:
    """Stand in for an event that was not sent."""
