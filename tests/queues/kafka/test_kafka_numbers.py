"""Numbered publishing on a real Kafka: what the look back finds, and kills."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from contract import PATIENCE_SECONDS, all_of, each_once_in_order, events, from_number
from kafka_broker import STRANGER, STRANGERS_PASSWORD, Broker, missing
from kafka_topics import make_topic, settings
from numbered_kills import every_number_once

from exporter.queues.kinds import open_queue
from exporter.queues.port import EventTooLarge, Outgoing, QueueUnavailable

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


async def put(producer: AIOKafkaProducer, topic: str, *numbers: int) -> None:
    """What a producer of numbered events that is no more has left on the topic, of the events of seven profiles."""
    for number, event in zip(numbers, (events(1, 7, begin=number - 1)[0] for number in numbers), strict=True):
        header = ("exporter-number", f"outbox:{number}".encode())
        await producer.send_and_wait(topic, event.body, key=(event.key or "").encode(), headers=[header])


@pytest.mark.parametrize("time", ["CreateTime", "LogAppendTime"])
async def test_what_a_producer_has_left_is_left_out_however_the_calls_are_cut(kafka: Broker, time: str) -> None:
    topic = await make_topic(kafka, partitions=3, **{"message.timestamp.type": time})
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    try:
        await put(producer, topic, 1, 2, 4, 15, 22)
        for key in (b"a", b"b", b"c", b"d"):  # of others
            headers = [("exporter-number", b"another:3"), ("exporter-number", b"?"), ("x", b"\xff")]
            await producer.send_and_wait(topic, b"p0:1000", key=key, headers=headers, timestamp_ms=1)
    finally:
        await producer.stop()
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        await queue.publish(events(10, 7), from_number(1))
        await queue.publish(events(5, 7, begin=10), from_number(11))
        await queue.publish(events(10, 7, begin=13), from_number(14))
        bodies = [body for body in await all_of(queue, 23 + 4) if body != b"p0:1000"]
    assert sorted(int(body.split(b":")[1]) for body in bodies) == list(range(23))


async def test_the_end_of_a_transaction_is_no_standstill(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        await queue.publish(events(2, 7), from_number(1))
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic)
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"of another, who gave up")
        await producer.abort_transaction()
    finally:
        await producer.stop()
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        await queue.publish(events(5, 7), from_number(1))
        assert each_once_in_order(await all_of(queue, 5), range(5), profiles=7)


async def test_what_is_too_large_counts_as_published(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=3, **{"max.message.bytes": "5000"})
    large = Outgoing("p0", b"x" * 6000)
    for _ in range(2):
        async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
            with pytest.raises(EventTooLarge) as refused:
                await queue.publish([*events(3), large, *events(2, begin=3), large], from_number(1))
            assert list(refused.value.indexes) == [3, 6]
            await queue.publish([large, *events(1, begin=5)], from_number(7))
            assert each_once_in_order(await all_of(queue, 6), range(6), profiles=1)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        most = await queue.max_event_bytes("outbox")
        assert most is not None
        await queue.publish([Outgoing("p" * 64, b"x" * most)], from_number(2**52))
        with pytest.raises(EventTooLarge):
            await queue.publish([Outgoing("p0", b"x" * (most + 600))], from_number(2**52 + 1))


async def test_without_the_right_to_read_there_is_no_look_back_and_nothing_is_published(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)

    async def granted(operation: str) -> None:
        whose = ("--bootstrap-server", kafka.address, "--add", "--allow-principal", f"User:{STRANGER}")
        what = ("--operation", operation, "--topic", topic)
        await asyncio.to_thread(kafka.tool, "org.apache.kafka.tools.AclCommand", *whose, *what)

    sasl = {"mechanism": "PLAIN", "username": STRANGER, "password": STRANGERS_PASSWORD}
    as_stranger = settings(kafka, topic, bootstrap_servers=f"127.0.0.1:{kafka.sasl_port}", sasl=sasl)
    await granted("Write")
    lacking = f"looking back at topic {topic}: not authorised for the topic: Read is missing"
    async with (
        open_queue(settings(kafka, topic), (), pytest.fail) as ours,
        open_queue(as_stranger, (), pytest.fail) as queue,
    ):
        await ours.publish(events(1, begin=100))
        with pytest.raises(QueueUnavailable, match=lacking):
            await queue.publish(events(2), from_number(1))
        await granted("Read")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    await queue.publish(events(2), from_number(1))
                except QueueUnavailable:
                    await asyncio.sleep(0.2)
                else:
                    break
        assert [body for body in await all_of(ours, 3) if body != b"p0:100"] == [b"p0:0", b"p0:1"]


async def test_after_a_call_that_failed_the_topic_is_looked_at_again(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await make_topic(kafka)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        await queue.publish(events(5, 7), from_number(1))
        real = AIOKafkaProducer.send
        left = 5

        async def fails_after(producer: AIOKafkaProducer, *given: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise ConnectionResetError
            return await real(producer, *given, **named)

        monkeypatch.setattr(AIOKafkaProducer, "send", fails_after)
        with pytest.raises(QueueUnavailable):
            await queue.publish(events(10, 7, begin=5), from_number(6))
        monkeypatch.undo()
        await queue.publish(events(10, 7, begin=5), from_number(6))
        assert each_once_in_order(await all_of(queue, 15), range(15), profiles=7)


async def test_every_number_is_there_once_after_kills(kafka: Broker, tmp_path: Path) -> None:
    topic = await make_topic(kafka)
    section = {"kind": "kafka", "bootstrap_servers": kafka.address, "topic": topic, "group_prefix": ""}
    await every_number_once(partial(open_queue, settings(kafka, topic), (), pytest.fail), section, tmp_path)
