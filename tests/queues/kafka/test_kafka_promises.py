"""What is read and what is written on a real Kafka: transactions, large records, how safely events are put there; and
a topic or a right that is taken away meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from contract import PATIENCE_SECONDS, events, number_of, numbers, soon, stays_silent, take
from kafka_broker import STRANGER, STRANGERS_PASSWORD, Broker
from kafka_topics import make_topic, settings
from standing_still import SECONDS, answered_meanwhile

from exporter.queues.kafka.cluster import cluster as cluster_module
from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.cluster.connection import connection_of
from exporter.queues.kafka.lease import membership
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, EventTooLarge, Outgoing, QueueUnavailable, Subscription


@asynccontextmanager
async def administrator(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("level", "read"), [("read_committed", [0, 2]), ("read_uncommitted", [0, 1, 2])], ids=["committed", "uncommitted"]
)
async def test_what_a_transaction_took_back(kafka: Broker, level: str, read: list[int]) -> None:
    topic = await make_topic(kafka, partitions=1)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=f"of-{topic}")
    await producer.start()
    try:
        for number, kept in ((0, True), (1, False), (2, True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"p:%d" % number, key=b"p")
            await (producer.commit_transaction() if kept else producer.abort_transaction())
    finally:
        await producer.stop()
    async with (
        open_queue(settings(kafka, topic, isolation_level=level), (), pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        taken = await take(subscription, len(read))
        assert numbers(taken) == read
        assert await stays_silent(subscription)
        for message in taken:
            subscription.settle(message)
        await soon(subscription.commit())
    # A transaction's own marks have positions too, and are never handed out.
    async with (
        open_queue(settings(kafka, topic, isolation_level=level), (), pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        assert await stays_silent(subscription)


async def test_a_record_that_is_larger_than_what_is_read_ahead_comes_and_holds_nobody_up(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    bodies = [b"p:0", b"p:1" + b" " * 500_000, b"p:2"]
    async with open_queue(settings(kafka, topic, fetch_max_bytes=1024), (), pytest.fail) as queue:
        await queue.publish([Outgoing("p", body) for body in bodies])
        async with queue.subscribe("g", "earliest") as subscription:
            assert [message.body for message in await take(subscription, 3)] == bodies


@pytest.mark.parametrize("partitions", [1, 3])
async def test_an_event_that_the_broker_does_not_take_is_refused_alone(kafka: Broker, partitions: int) -> None:
    """What comes after it in its partition stays in order behind what came before."""
    topic = await make_topic(kafka, partitions=partitions, **{"max.message.bytes": "5000"})
    large = Outgoing("p1", b"x" * 6000)
    huge = Outgoing("p2", b"x" * (64 * 1024**2 + 1))  # more than the client sends at all
    messages = [large, *events(500, profiles=5), large, huge, *events(500, profiles=5, begin=500), large]
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        with pytest.raises(EventTooLarge, match=r"larger than the broker takes \(message.max.bytes\)") as refused:
            await soon(queue.publish(messages))
        assert refused.value.indexes == [0, 501, 502, 1003]
        await soon(queue.publish(events(5, profiles=5, begin=1000)))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 1005)
            assert await stays_silent(subscription)
    assert sorted(numbers(taken)) == list(range(1005))
    for profile in range(5):
        mine = [number for number in numbers(taken) if number % 5 == profile]
        assert mine == sorted(mine)


async def test_events_are_put_there_idempotently_and_by_key(kafka: Broker) -> None:
    """As Kafka's own tool shows the partitions' files: every batch has a producer's id and a sequence.

    The client makes no idempotent producer that would not wait for all replicas in sync.
    """
    topic = await make_topic(kafka, partitions=3)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        for begin in range(0, 60, 20):
            await queue.publish(events(20, profiles=10, begin=begin))
    profiles: dict[str, set[int]] = {}
    batches = []
    for partition in range(3):
        file = kafka.folder / "logs" / f"{topic}-{partition}" / "00000000000000000000.log"
        words = ("--files", str(file), "--print-data-log", "--deep-iteration")
        shown = await asyncio.to_thread(kafka.tool, "kafka.tools.DumpLogSegments", *words)
        batches += [line for line in shown.splitlines() if "producerId:" in line and "baseOffset:" in line]
        for line in shown.splitlines():
            if " key: " in line:
                profiles.setdefault(line.partition(" key: ")[2].split()[0], set()).add(partition)
    assert batches
    assert not any("producerId: -1" in line or "baseSequence: -1" in line for line in batches)
    assert len(profiles) == 10
    assert all(len(partitions) == 1 for partitions in profiles.values())


async def test_a_topic_that_is_deleted_while_it_is_read_is_said_and_read_when_it_is_back(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "_METADATA_SECONDS", 3)  # how often is looked whether it is back
    topic = await make_topic(kafka, partitions=2)
    told: list[str] = []
    async with open_queue(settings(kafka, topic, session_timeout=2), (), told.append) as queue:
        await queue.publish(events(30, profiles=10))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 30):
                subscription.settle(message)
            await soon(subscription.commit())
            async with administrator(kafka) as admin:
                await admin.delete_topics([topic])
                assert "the topic does not exist" in await refusal(subscription)
                await admin.create_topics([NewTopic(topic, 2, 1)])
            await published(queue.publish, events(10, begin=100))
            again: set[int] = set()
            async with asyncio.timeout(PATIENCE_SECONDS * 4):
                while again != set(range(100, 110)):
                    try:
                        got = await subscription.receive(100)
                    except QueueUnavailable:
                        await asyncio.sleep(0.2)
                        continue
                    if isinstance(got, Batch):
                        again |= set(numbers(got.messages))
                        for message in got.messages:
                            subscription.settle(message)


async def published(publish: object, messages: list[Outgoing]) -> None:
    """Put them there, however often that takes."""
    assert callable(publish)
    async with asyncio.timeout(PATIENCE_SECONDS * 4):
        while True:
            try:
                await publish(messages)
                return
            except QueueUnavailable:
                await asyncio.sleep(0.3)


async def refusal(subscription: Subscription) -> str:
    """Why it cannot be read now, once it can't."""
    async with asyncio.timeout(PATIENCE_SECONDS * 4):
        while True:
            try:
                await subscription.receive(10)
            except QueueUnavailable as error:
                return str(error)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["nowhere", "on another topic"])
async def test_a_missing_right_to_write_is_named(kafka: Broker, elsewhere: bool) -> None:
    """Who may write to some topic gets as far as that topic; who may not, no farther than the number of a producer."""
    topic = await make_topic(kafka, partitions=1)
    granted = [("Describe", topic), *([("Write", f"{topic}-other")] if elsewhere else [])]
    for operation, on in granted:
        whose = ("--bootstrap-server", kafka.address, "--add", "--allow-principal", f"User:{STRANGER}")
        what = ("--operation", operation, "--topic", on)
        await asyncio.to_thread(kafka.tool, "org.apache.kafka.tools.AclCommand", *whose, *what)
    sasl = {"mechanism": "PLAIN", "username": STRANGER, "password": STRANGERS_PASSWORD}
    address = f"127.0.0.1:{kafka.sasl_port}"
    lacking = f"publishing to {topic}: not authorised for the topic: Write is missing; grant it to this user"
    async with open_queue(settings(kafka, topic, bootstrap_servers=address, sasl=sasl), (), pytest.fail) as queue:
        for _ in range(2):
            with pytest.raises(QueueUnavailable, match=lacking):
                await queue.publish(events(1))


async def test_a_right_that_is_taken_away_is_said_and_reading_goes_on_when_it_is_back(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)

    async def rights(change: str, *more: str) -> None:
        whose = ("--bootstrap-server", kafka.address, change, "--allow-principal", f"User:{STRANGER}")
        what = ("--consumer", "--topic", topic, "--group", "taken-away", *more)
        await asyncio.to_thread(kafka.tool, "org.apache.kafka.tools.AclCommand", *whose, *what)

    sasl = {"mechanism": "PLAIN", "username": STRANGER, "password": STRANGERS_PASSWORD}
    address = f"127.0.0.1:{kafka.sasl_port}"
    async with open_queue(settings(kafka, topic), (), pytest.fail) as ours:
        await ours.publish(events(2))
        await rights("--add")
        as_stranger = settings(kafka, topic, bootstrap_servers=address, sasl=sasl, session_timeout=2)
        async with (
            open_queue(as_stranger, (), pytest.fail) as queue,
            queue.subscribe("taken-away", "earliest") as subscription,
        ):
            for message in await take(subscription, 2):
                subscription.settle(message)
            await soon(subscription.commit())
            await rights("--remove", "--force")
            await ours.publish(events(1, begin=2))
            assert "not authorised for the" in await refusal(subscription)
            await rights("--add")
            async with asyncio.timeout(PATIENCE_SECONDS * 4):
                while True:
                    try:
                        got = await subscription.receive(10)
                    except QueueUnavailable:
                        await asyncio.sleep(0.2)
                        continue
                    if isinstance(got, Batch):
                        assert [number_of(message) for message in got.messages] == [2]
                        break


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is POSIX")
async def test_an_answer_that_came_while_the_loop_stood_still_counts(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await make_topic(kafka, partitions=1)
    async with (
        connection_of(settings(kafka, topic), "", pytest.fail) as connection,
        Cluster(connection, topic).open() as cluster,
    ):
        name = await cluster.identity()
        monkeypatch.setattr(cluster_module, "ASK_SECONDS", SECONDS)
        assert kafka.process is not None
        assert await answered_meanwhile(kafka.process.pid, cluster.identity()) == name
