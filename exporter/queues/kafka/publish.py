"""Putting events on the topic: idempotent, acknowledged by all replicas in sync, keyed by profile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError

from exporter.queues.kafka.check.diagnosis import diagnosed
from exporter.queues.kafka.cluster.connection import Connection
from exporter.queues.kafka.cluster.shutdown import end_producer
from exporter.queues.kafka.failures import NoRight
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.port import Outgoing

PUBLISH_SECONDS = 60.0
_CLOSE_SECONDS = 3.0
_REQUEST_BYTES = 64 * 1024**2  # it is for the broker to say what is too large

#: Who may write to no topic at all gets no number for an idempotent producer; brokers call that a right on the cluster.
_MAY_NOT_WRITE = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


class Publisher:
    """A producer that is made when it is first needed, and anew after it has failed."""

    def __init__(self, connection: Connection, topic: str, high_watermarks: HighWatermarks) -> None:
        self._connection = connection
        self._topic = topic
        self._high_watermarks = high_watermarks
        self._producer: AIOKafkaProducer | None = None
        self._turn = asyncio.Lock()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """See ``Queue.publish``. Raises QueueUnavailable: some of it may be on the topic."""
        async with (
            diagnosed(f"publishing to {self._topic}", self._connection),
            asyncio.timeout(PUBLISH_SECONDS),
            self._turn,
        ):
            try:
                await self._send(await self._started(), messages)
            except _MAY_NOT_WRITE as error:
                await self.close()
                raise NoRight("Write", "topic") from error
            except BaseException:
                # Whatever it still holds must not come after what is published next.
                await self.close()
                raise

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self._high_watermarks.look()  # the client would take long to find that there is no such topic
            producer = self._producer = AIOKafkaProducer(
                **self._connection.options(), enable_idempotence=True, acks="all", max_request_size=_REQUEST_BYTES
            )
            await producer.start()
        return self._producer

    async def _send(self, producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> None:
        sent: list[Any] = []
        try:
            for message in messages:
                key = None if message.key is None else message.key.encode("utf-8", "surrogatepass")
                sent.append(await producer.send(self._topic, message.body, key=key))
        finally:
            results = await asyncio.gather(*sent, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
            self._high_watermarks.reaches(result.partition, result.offset + 1)

    async def close(self) -> None:
        """End the producer; what it has not sent is given up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await end_producer(producer, _CLOSE_SECONDS)
