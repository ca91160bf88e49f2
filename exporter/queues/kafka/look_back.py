"""Which numbers of a producer the topic has, read from the records at the end of each partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from exporter.queues.kafka.check.diagnosis import diagnosed
from exporter.queues.kafka.cluster.cluster import ASK_SECONDS, Cluster
from exporter.queues.kafka.failures import CLIENT_ERRORS, NoRight, unreadable
from exporter.queues.numbered import CLOCKS_APART_SECONDS, number_in
from exporter.queues.port import Numbered
from exporter.tasks.late_deadlines import answered_within

#: The header with a record's stamp.
NUMBER_HEADER = "exporter-number"
#: For what a process that has just died has sent, and brokers have not put on the topic yet.
_LANDING_SECONDS = 2.0
_FETCH_SECONDS = 1.0
_CLOSE_SECONDS = 3.0


async def numbers_on_topic(cluster: Cluster, numbered: Numbered) -> Collection[int]:
    """The numbers of the producer, from ``first`` on, of records that the topic has.

    Reads every partition from ``since`` to its end, and so takes as long as that takes: only a standstill is a failure.

    Raises:
        QueueUnavailable: the topic cannot be read now.
    """
    await asyncio.sleep(_LANDING_SECONDS)
    partitions = (await cluster.seen()).leaders
    following = await cluster.next(partitions)
    first = await cluster.first_since(partitions, max(0.0, numbered.since - CLOCKS_APART_SECONDS))
    ends = {number: following[number] for number, offset in first.items() if offset < following[number]}
    if not ends:
        return ()
    async with diagnosed(f"looking back at topic {cluster.topic}", cluster.connection):
        # Without a group; a beginning that retention has deleted meanwhile is read from the first record that is left.
        consumer = AIOKafkaConsumer(
            **cluster.connection.options(), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            async with answered_within(ASK_SECONDS):
                await consumer.start()
                await asyncio.sleep(0)  # see ``Cluster.open``
            return await _read(consumer, cluster.topic, first, ends, numbered)
        finally:
            await _close(consumer)


async def _read(
    consumer: AIOKafkaConsumer, topic: str, first: Mapping[int, int], ends: Mapping[int, int], numbered: Numbered
) -> Collection[int]:
    """The numbers in the records from ``first`` to before ``ends``.

    Raises:
        CLIENT_ERRORS: the records cannot be read, or none came for long.
    """
    left = {TopicPartition(topic, number): end for number, end in ends.items()}
    consumer.assign(list(left))
    reached = {place: first[place.partition] for place in left}
    for place, offset in reached.items():
        consumer.seek(place, offset)
    found: set[int] = set()
    silent_since = time.monotonic()
    while left:
        try:
            got = await consumer.getmany(*left, timeout_ms=int(_FETCH_SECONDS * 1000))
        except TopicAuthorizationFailedError as error:
            raise NoRight("Read", "topic") from error
        except Exception as error:
            raise unreadable(error) from error
        for records in got.values():
            found.update(number for record in records if (number := _number(record, numbered)) is not None)
        for place in list(left):
            # Not of the last record: what stands at the end may be no record, but the mark of a transaction.
            position = await consumer.position(place)
            if position != reached[place]:
                reached[place], silent_since = position, time.monotonic()
            if position >= left[place]:
                del left[place]
        if time.monotonic() - silent_since > ASK_SECONDS:
            raise TimeoutError
    return found


def _number(record: Any, numbered: Numbered) -> int | None:
    for name, value in record.headers:
        if name == NUMBER_HEADER:
            number = number_in(bytes(value or b"").decode("ascii", "replace"), numbered.producer)
            return number if number is not None and number >= numbered.first else None
    return None


async def _close(consumer: AIOKafkaConsumer) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await consumer.stop()
    except CLIENT_ERRORS:
        pass  # nothing is lost by a connection that does not end well
