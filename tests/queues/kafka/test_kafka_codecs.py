"""Records that other programs have compressed, on a real Kafka: each codec is read, and where its library is missing,
that is said and costs nothing that stands beside."""

from __future__ import annotations

import asyncio
import zlib
from gzip import BadGzipFile

import pytest
from aiokafka import AIOKafkaProducer, codec
from aiokafka.errors import CorruptRecordException, KafkaConnectionError, UnsupportedCodecError
from contract import batch, events, numbers, soon, take
from kafka_broker import Broker, missing
from kafka_topics import make_topic, settings

from exporter.queues.advice import Advising
from exporter.queues.kafka.failures import Unreadable, reason, unreadable
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, QueueUnavailable

CODECS = ("snappy", "lz4", "zstd")

needs_kafka = pytest.mark.skipif(missing() is not None, reason=missing() or "")


async def put(broker: Broker, topic: str, compression: str | None, *numbers: int, partition: int = 0) -> None:
    """Events with these numbers in one batch, compressed by the program that sends them."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, compression_type=compression)
    await producer.start()
    try:
        batch = producer.create_batch()
        for number in numbers:
            assert batch.append(key=b"p", value=b"p:%d" % number + b" " * 500, timestamp=None) is not None
        batch.close()
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()


@needs_kafka
@pytest.mark.parametrize("compression", ["gzip", *CODECS])
async def test_each_codec_is_read(kafka: Broker, compression: str) -> None:
    topic = await make_topic(kafka, partitions=1)
    await put(kafka, topic, compression, *range(20))
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        await soon(queue.check())
        assert isinstance(queue, Advising)
        await soon(queue.advice())
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 20, limit=7)) == list(range(20))


@needs_kafka
@pytest.mark.parametrize("compression", CODECS)
async def test_what_a_broker_compresses_is_read(kafka: Broker, compression: str) -> None:
    topic = await make_topic(kafka, partitions=1, **{"compression.type": compression})
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        await queue.publish(events(50))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 50)) == list(range(50))


@needs_kafka
@pytest.mark.parametrize("compression", CODECS)
async def test_a_missing_library_is_named_where_the_topic_is_read_and_where_it_is_checked(
    kafka: Broker, compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await make_topic(kafka, partitions=2)
    await put(kafka, topic, compression, 0, partition=1)
    await put(kafka, topic, None, 1, partition=1)
    monkeypatch.setattr(codec, "cramjam", None)
    said = f"compressed with {compression}, for which a library is missing: pip install cramjam"
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        assert isinstance(queue, Advising)
        with pytest.raises(QueueUnavailable, match=f"topic {topic}, partition 1: .*{said}"):
            await soon(queue.advice())
        async with queue.subscribe("g", "earliest") as subscription:
            with pytest.raises(QueueUnavailable, match=f"topic {topic}: .*{said}"):
                await soon(subscription.receive(10))


@needs_kafka
async def test_what_the_client_had_taken_before_a_record_that_it_cannot_unpack_is_not_lost(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what stands before it in its partition, nor what came from another one."""
    topic = await make_topic(kafka, partitions=2)
    await put(kafka, topic, None, 0, 1, partition=0)
    await put(kafka, topic, None, 2, 3, partition=1)
    await put(kafka, topic, "lz4", 4, 5, partition=1)
    await put(kafka, topic, None, 6, partition=1)
    seen: list[int] = []
    async with (
        open_queue(settings(kafka, topic), (), pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        with monkeypatch.context() as without:
            without.setattr(codec, "cramjam", None)
            refused = 0
            while refused < 5:
                try:
                    got = await soon(subscription.receive(10))
                except QueueUnavailable:
                    refused += 1
                    await asyncio.sleep(0.05)  # the client fetches anew meanwhile
                else:
                    assert isinstance(got, Batch)
                    seen += numbers(got.messages)
        while len(seen) < 7:
            seen += numbers(await batch(subscription))
    assert sorted(seen) == list(range(7))
    assert [number for number in seen if number in (2, 3, 4, 5, 6)] == [2, 3, 4, 5, 6]


def test_why_records_cannot_be_read_is_said_without_quoting_them() -> None:
    for error, words in (
        (UnsupportedCodecError("Unknown compression codec 0x05"), "not known here"),
        (CorruptRecordException("Invalid CRC - secret"), "checksum is wrong"),
        (BadGzipFile("secret"), "BadGzipFile"),
        (zlib.error("secret"), "cannot be unpacked"),
        (EOFError("secret"), "cannot be unpacked"),
        (ValueError("secret"), "cannot be unpacked"),
    ):
        found = unreadable(error)
        assert isinstance(found, Unreadable)
        assert words in reason(found)
        assert "secret" not in reason(found)
    lost = KafkaConnectionError("gone")
    assert unreadable(lost) is lost
