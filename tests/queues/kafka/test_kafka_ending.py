"""A client that has given up in the background is ended whole, and another one takes its place, on a real Kafka."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.errors import IllegalSaslStateError
from contract import PATIENCE_SECONDS, events, numbers, soon, take
from kafka_broker import Broker
from kafka_topics import make_topic, settings

from exporter.queues.kafka.queue import KafkaQueue
from exporter.queues.kafka.subscription import KafkaSubscription
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, QueueUnavailable, Subscription


async def ended(task: asyncio.Task[Any]) -> None:
    await soon(asyncio.wait([task]))


async def fail_and_wait_to_fetch_again(reading: KafkaSubscription) -> None:
    """As a broker that refuses a token leaves it: a fetch has failed and waits, which the client's ``stop`` cannot end
    without being cancelled itself; and the heartbeats have ended with an error that is not tried again."""
    consumer = reading._upkeep.membership._consumer
    fetcher, coordinator = consumer._fetcher, consumer._coordinator
    fetcher._retry_backoff = 3600.0
    receiving = asyncio.ensure_future(reading.receive(10))
    await soon(until(lambda: fetcher._pending_tasks))
    for connection in list(consumer._client._conns.values()):
        connection.close()

    async def heartbeats() -> None:
        raise IllegalSaslStateError

    coordinator._heartbeat_task.cancel()
    await ended(coordinator._heartbeat_task)
    coordinator._heartbeat_task = asyncio.ensure_future(heartbeats())
    await ended(coordinator._heartbeat_task)
    coordinator.coordinator_dead()  # so that it looks at its tasks
    assert not any(task.done() for task in fetcher._pending_tasks)
    receiving.cancel()
    await ended(receiving)


async def lose_its_coordination(reading: KafkaSubscription) -> None:
    """A task of the client that is cancelled before it has begun takes down the one that waits for its end."""
    task = reading._upkeep.membership._consumer._coordinator._coordination_task
    task.cancel()
    await ended(task)


async def until(probe: Callable[[], object]) -> None:
    while not probe():  # noqa: ASYNC110 - only asking again shows it
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("give_up", [fail_and_wait_to_fetch_again, lose_its_coordination])
async def test_a_client_that_has_given_up_is_replaced_and_leaves_no_connection_open(
    kafka: Broker, give_up: Callable[[KafkaSubscription], Awaitable[None]]
) -> None:
    topic = await make_topic(kafka)
    async with (
        open_queue(settings(kafka, topic), (), pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        await queue.publish(events(2))
        for message in await take(subscription, 2):
            subscription.settle(message)
        await soon(subscription.commit())
        assert isinstance(subscription, KafkaSubscription)
        first = subscription._upkeep.membership
        await give_up(subscription)
        await queue.publish(events(1, begin=2))
        await soon(until(lambda: subscription._upkeep.membership is not first))
        assert numbers((await next_batch(subscription)).messages) == [2]
        assert not any(connection.connected() for connection in first._consumer._client._conns.values())


async def next_batch(subscription: Subscription) -> Batch:
    """Messages, however often that takes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                got = await subscription.receive(10)
            except QueueUnavailable:
                await asyncio.sleep(0.05)
                continue
            if isinstance(got, Batch):
                return got


async def test_a_publish_that_is_given_up_leaves_nothing_behind_that_might_send_it_later(kafka: Broker) -> None:
    topic = await make_topic(kafka)
    assert kafka.process is not None
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue:
        assert isinstance(queue, KafkaQueue)
        await queue.publish(events(1))
        producer: Any = None

        def under_way() -> object:
            nonlocal producer
            producer = queue._publisher._producer  # another one, if the first was given up meanwhile
            return producer and (producer._message_accumulator._batches or producer._sender._in_flight)

        kafka.process.send_signal(signal.SIGSTOP)
        try:
            publishing = asyncio.ensure_future(queue.publish(events(2, begin=1)))
            await soon(until(under_way))
            publishing.cancel()
            await ended(publishing)
        finally:
            kafka.process.send_signal(signal.SIGCONT)
        assert producer._sender.sender_task.done()
        assert not any(connection.connected() for connection in producer.client._conns.values())
        await queue.publish(events(1, begin=9))
