"""A topic that is deleted and made anew, on a real Kafka: its offsets were another's, and none of them counts."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.metadata import MetadataRequest_v4
from aiokafka.structs import OffsetAndMetadata
from contract import PATIENCE_SECONDS, events, numbers, settled_lag, soon, stays_silent, take
from kafka_broker import Broker
from kafka_topics import is_led, make_topic, settings

from exporter.messages.message import Message
from exporter.queues.kafka.cluster import topic as topic_module
from exporter.queues.kafka.lease import membership
from exporter.queues.kafka.subscription import KafkaSubscription
from exporter.queues.kinds import open_queue
from exporter.queues.port import LaneLost, Outgoing, Queue, QueueUnavailable, Subscription


async def make_anew(broker: Broker, topic: str, partitions: int) -> None:
    """Delete a topic, and make another one of its name."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await admin.delete_topics([topic])
            while await is_led(admin, topic):  # noqa: ASYNC110 - only asking again shows it
                await asyncio.sleep(0.02)
            await admin.create_topics([NewTopic(topic, partitions, 1)])
            while not await is_led(admin, topic):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def put_back(broker: Broker, topic: str, group: str, kept: OffsetAndMetadata) -> None:
    """A group's position as it was: deleting a topic also deletes positions, but a late commit of a member that has not
    yet heard of it, or that comes back from a stall, writes it again."""
    client = AIOKafkaConsumer(bootstrap_servers=broker.address, group_id=group, enable_auto_commit=False)
    client.assign([TopicPartition(topic, 0)])
    await client.start()
    try:
        await client.commit({TopicPartition(topic, 0): kept})
    finally:
        await client.stop()


async def committed(broker: Broker, topic: str, group: str) -> OffsetAndMetadata:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return found[TopicPartition(topic, 0)]


async def settled_all_but_one(queue: Queue) -> list[Message]:
    """Ten messages in one lane, of which the first is a hole, and the others are ranges beyond it."""
    await queue.publish(events(10))
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 10)
        for message in taken[1:]:
            subscription.settle(message)
    return taken


async def test_a_position_of_the_old_topic_is_not_one_of_the_new(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    told: list[str] = []
    async with open_queue(settings(kafka, topic), (), told.append) as queue:
        old = await settled_all_but_one(queue)
        kept = await committed(kafka, topic, "g")
    await make_anew(kafka, topic, 1)
    await put_back(kafka, topic, "g", kept)
    async with open_queue(settings(kafka, topic), (), told.append) as queue:
        await queue.publish(events(20, begin=100))
        [position] = await queue.positions()
        assert (position.settled_to, position.beyond, position.lag) == (-1, 0, 20)
        async with queue.subscribe("g", "latest") as subscription:
            new = await take(subscription, 20)
            assert numbers(new) == list(range(100, 120))
            assert new[0].lane == position.lane != old[0].lane
            assert (subscription.knows(new[0].lane), subscription.knows(old[0].lane)) == (True, False)
            assert (subscription.reads(new[0].lane), subscription.reads(old[0].lane)) == (True, False)
            for message in new:
                subscription.settle(message)
        assert await settled_lag(queue, "g") == 0
        async with queue.subscribe("g", "latest") as subscription:
            assert await stays_silent(subscription)
    assert told == ["group g: the topic was deleted and made anew; it is read from its beginning (partition 0)"]


async def test_a_position_that_another_tool_has_set_counts(kafka: Broker) -> None:
    """Whoever moves a group by hand means the topic that there is."""
    topic = await make_topic(kafka, partitions=1)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        began_at = int(time.time())
        await settled_all_but_one(queue)
        [position] = await queue.positions()
        assert position.seen_at is not None
        assert began_at <= position.seen_at <= time.time(), "when it was committed"
        await put_back(kafka, topic, "g", OffsetAndMetadata(4, ""))
        [position] = await queue.positions()
        assert (position.settled_to, position.lag, position.reader, position.seen_at) == (3, 6, False, None)
        async with queue.subscribe("g", "latest") as subscription:
            assert numbers(await take(subscription, 6)) == list(range(4, 10))


@pytest.mark.parametrize("count", [4, 40], ids=["shorter than the old one", "longer than the old one"])
async def test_a_topic_that_is_made_anew_while_it_is_read_is_read_whole(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Once what was read of the old one is settled. The longer one has events where the old one ended, so that going on
    there meets no error."""
    monkeypatch.setattr(membership, "_METADATA_SECONDS", 3)  # how often is looked whether it is back
    topic = await make_topic(kafka, partitions=1)
    told: list[str] = []
    async with (
        open_queue(settings(kafka, topic), (), told.append) as queue,
        open_queue(settings(kafka, topic), (), pytest.fail) as another,
    ):
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            assert isinstance(subscription, KafkaSubscription)
            old = await take(subscription, 10)
            for message in old[:-1]:
                subscription.settle(message)
            await soon(subscription.commit())
            await make_anew(kafka, topic, 1)
            await another.publish(events(count, begin=100))
            seen: dict[tuple[str, int], int] = {}
            lost: list[LaneLost] = []
            async with asyncio.timeout(PATIENCE_SECONDS * 4):
                while not any(lane.over for lane in subscription._lanes._held.values()):
                    await settle_next(subscription, seen, lost)
                assert not lost
                assert not of_another_lane(seen, old[0].lane)
                subscription.settle(old[-1])
                while not of_another_lane(seen, old[0].lane) >= set(range(100, 100 + count)):
                    await settle_next(subscription, seen, lost)
            assert lost == [LaneLost(old[0].lane, planned=False)]
            await soon(subscription.commit())
        assert await settled_lag(queue, "g") == 0
    assert told == ["group g: the topic was deleted and made anew; it is read from its beginning (partition 0)"]


def of_another_lane(seen: dict[tuple[str, int], int], old: str) -> set[int]:
    return {number for (lane, _), number in seen.items() if lane != old}


async def settle_next(subscription: Subscription, seen: dict[tuple[str, int], int], lost: list[LaneLost]) -> None:
    """Note what comes next, if anything does, and settle it."""
    try:
        async with asyncio.timeout(0.3):
            got = await subscription.receive(100)
    except (TimeoutError, QueueUnavailable):
        await asyncio.sleep(0.05)
        return
    if isinstance(got, LaneLost):
        lost.append(got)
        return
    for message, number in zip(got.messages, numbers(got.messages), strict=True):
        seen[message.lane, message.position] = number
        subscription.settle(message)


async def test_events_without_an_id_are_other_events_in_a_topic_that_was_made_anew(kafka: Broker) -> None:
    """Their ids are made of the queue's name, lane and position; so are the keys by which receivers know them."""
    topic = await make_topic(kafka, partitions=1)
    places = []
    for _ in range(2):
        async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
            await queue.publish([Outgoing("p", b"p:1")])
            async with queue.subscribe("g", "earliest") as subscription:
                [message] = await take(subscription, 1)
                places.append((queue.name, message.lane, message.position))
        await make_anew(kafka, topic, 1)
    assert places[0][0] == places[1][0]
    assert places[0][2] == places[1][2]
    assert places[0][1] != places[1][1]


async def test_a_group_that_is_read_was_read_just_now(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue, queue.subscribe("g", "earliest"):
        asked_at = time.time()
        [position] = await queue.positions()
        assert position.reader
        assert position.seen_at is not None
        assert position.seen_at >= asked_at


async def test_brokers_that_know_no_ids_are_read_as_well(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those before 2.8: asked in the version of the request that they have, as this one still answers it."""
    monkeypatch.setattr(topic_module._Describe, "_CLASSES", (MetadataRequest_v4,))
    topic = await make_topic(kafka, partitions=2)
    told: list[str] = []
    async with open_queue(settings(kafka, topic), (), told.append) as queue:
        await queue.publish(events(20, profiles=10))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 20)
            assert {message.lane for message in taken} == {"0", "1"}
            assert subscription.knows("0")
            for message in taken:
                subscription.settle(message)
        assert {position.lane for position in await queue.positions()} == {"0", "1"}
        assert await settled_lag(queue, "g") == 0
    monkeypatch.undo()
    # Then they learn of them: what was committed before counts.
    async with (
        open_queue(settings(kafka, topic), (), told.append) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        assert await stays_silent(subscription)
    assert told == []
