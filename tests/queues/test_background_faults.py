"""What runs beside the subscriptions of each broker's kind fails with an error that nobody translates: it is heard.

What keeps a subscription alive takes that subscription with it, so that its owner begins anew; what only looks after
things is begun anew and said. Nothing stands still in silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import kafka_broker
import nats_broker
import pytest
import redis.asyncio.connection
from aiokafka.conn import AIOKafkaConnection
from contract import batch, events, numbers, soon, take
from kafka_topics import make_topic
from kafka_topics import settings as kafka_settings
from nats.aio.client import Client
from nats.protocol.parser import Parser
from redis_server import needs_redis
from redis_server import running as running_redis

from exporter.queues.jetstream.connection import connect as connecting
from exporter.queues.jetstream.lease import Lease as NatsLease
from exporter.queues.jetstream.queue import JetStreamQueue
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.lease.membership import Membership
from exporter.queues.kafka.lease.upkeep import LeaseUpkeep
from exporter.queues.kafka.queue import KafkaQueue
from exporter.queues.kafka.subscription import KafkaSubscription
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, Queue, QueueUnavailable, Subscription
from exporter.queues.redis_streams.growth import Growth
from exporter.queues.redis_streams.lease import Lease
from exporter.queues.redis_streams.settings import RedisSettings
from exporter.queues.redis_streams.stream import Stream
from exporter.queues.redis_streams.upkeep import Upkeep
from exporter.tasks import background

Opening = Callable[[str, list[str]], AbstractAsyncContextManager[Queue]]

needs_kafka = pytest.mark.skipif(kafka_broker.missing() is not None, reason=kafka_broker.missing() or "")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nats_broker.Broker]:
    server = nats_broker.Broker(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def opening(request: pytest.FixtureRequest) -> Opening:
    """Opens a queue of this kind that nobody used before, each time the same one; what it says is collected."""
    name = f"s{uuid4().hex}"
    topics: list[str] = []

    @asynccontextmanager
    async def opened(kind: str, said: list[str]) -> AsyncIterator[Queue]:
        section: Any
        match kind:
            case "redis":
                url = request.getfixturevalue("redis_server").url
                section = RedisSettings.model_validate({"kind": "redis", "url": url, "stream": name})
            case "nats":
                server: nats_broker.Broker = request.getfixturevalue("nats_server")
                await server.answers()
                section = NatsSettings.model_validate(
                    {"kind": "nats", "url": server.url, "stream": name, "create": True}
                )
            case _:
                broker = request.getfixturevalue("kafka")
                if not topics:
                    topics.append(await make_topic(broker))
                section = kafka_settings(broker, topics[0], session_timeout=2)
        async with open_queue(section, ("g",), said.append) as queue:
            yield queue

    return opened


class Fault:
    """Takes the place of a method, and raises there as often as it is ``armed`` for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, error: Exception) -> None:
        real = getattr(owner, name)
        fault = self
        self.armed = 0
        self.raised = 0

        async def method(this: Any, *arguments: Any, **named: Any) -> Any:
            if fault.armed:
                fault.armed -= 1
                fault.raised += 1
                raise error
            return await real(this, *arguments, **named)

        monkeypatch.setattr(owner, name, method)


@pytest.mark.parametrize(
    ("kind", "owner", "name"),
    [
        pytest.param("redis", Stream, "read", marks=needs_redis),
        pytest.param("redis", Lease, "hold", marks=needs_redis),
        pytest.param("kafka", LeaseUpkeep, "_look", marks=needs_kafka),
    ],
)
async def test_a_subscription_whose_keeping_fails_ends_and_one_that_is_entered_anew_goes_on(
    kind: str, owner: type, name: str, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(kind, []) as queue:
        await queue.publish(events(4))
        fault = Fault(monkeypatch, owner, name, KeyError("injected"))
        with pytest.raises(ExceptionGroup) as failure:
            await soon(read_two_and_wait(queue, fault))
        assert failure.group_contains(KeyError, match="injected")
        assert fault.raised == 1
        async with queue.subscribe("g", "earliest") as subscription:
            again = numbers(await take(subscription, 2))
            while again[-1] != 3:
                again += numbers(await batch(subscription))
        assert again[-2:] == [2, 3]


@pytest.mark.parametrize(
    ("kind", "owner", "name"),
    [
        pytest.param("redis", Stream, "acknowledge", marks=needs_redis),
        ("nats", NatsLease, "write"),
        pytest.param("kafka", Membership, "commit", marks=needs_kafka),
    ],
)
async def test_a_commit_that_fails_by_a_bug_is_told_and_tried_again(
    kind: str, owner: type, name: str, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(kind, []) as queue:
        await queue.publish(events(4))
        fault = Fault(monkeypatch, owner, name, KeyError("injected"))
        async with queue.subscribe("g", "earliest") as subscription, asyncio.timeout(60):
            taken = await take(subscription, 2, limit=2)
            fault.armed = 2
            for message in taken:
                subscription.settle(message)
            with pytest.raises(QueueUnavailable, match="a bug: KeyError") as told:
                await receives_for_ever(subscription)
            assert "injected" not in str(told.value)
            while True:
                try:
                    await subscription.commit()
                    break
                except QueueUnavailable:
                    await asyncio.sleep(0.02)
            assert fault.raised == 2
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 2)) == [2, 3], "what was settled then is committed"


async def read_two_and_wait(queue: Queue, fault: Fault) -> None:
    """Read on for ever, with something to settle when the fault comes."""
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 2, limit=2)
        fault.armed = 1
        for message in taken:
            subscription.settle(message)
        await receives_for_ever(subscription)


async def receives_for_ever(subscription: Subscription) -> None:
    while True:
        await subscription.receive(0)


@pytest.mark.parametrize(
    ("kind", "owner", "name"),
    [
        pytest.param("redis", Growth, "run", marks=needs_redis),
        pytest.param("redis", Upkeep, "run", marks=needs_redis),
        ("nats", JetStreamQueue, "watch"),
        pytest.param("kafka", HighWatermarks, "run", marks=needs_kafka),
    ],
)
async def test_what_looks_after_a_queue_begins_anew_and_says_so(
    kind: str, owner: type, name: str, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "ANEW_SECONDS", 0.01)
    fault = Fault(monkeypatch, owner, name, KeyError("injected"))
    fault.armed = 3
    said: list[str] = []
    async with opening(kind, said) as queue, opening(kind, []) as other, queue.subscribe("g", "earliest") as reading:
        async with asyncio.timeout(30):
            while fault.armed:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.01)
        await other.publish(events(3))
        assert numbers(await take(reading, 3)) == [0, 1, 2]
        await other.publish(events(3, begin=3))
        async with asyncio.timeout(30):
            while reading.lag().messages != 6:  # noqa: ASYNC110 - known after a look
                await asyncio.sleep(0.02)
    failed = [text for text in said if "has failed" in text and "KeyError" in text]
    assert failed
    assert not any("injected" in text for text in said)


@pytest.mark.parametrize(
    ("kind", "owner", "name"),
    [
        pytest.param("redis", redis.asyncio.connection.AbstractConnection, "send_packed_command", marks=needs_redis),
        ("nats", Client, "publish"),
        pytest.param("kafka", AIOKafkaConnection, "send", marks=needs_kafka),
    ],
)
async def test_what_an_event_loop_makes_of_a_connection_that_is_closed_is_an_outage(
    kind: str, owner: type, name: str, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvloop raises a RuntimeError where a connection is written to that is closed; the clients let it out."""
    async with opening(kind, []) as queue:
        await queue.publish(events(2))
        fault = Fault(monkeypatch, owner, name, RuntimeError("the handler is closed"))
        fault.armed = 1
        with pytest.raises(QueueUnavailable) as refused:
            await soon(queue.check())
        assert fault.raised == 1
        assert "TCPTransport" not in str(refused.value)
        async with queue.subscribe("g", "earliest") as subscription:
            assert len(await take(subscription, 2)) == 2


@needs_kafka
@pytest.mark.parametrize("which", ["coordination", "fetching", "metadata"])
@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_a_task_of_the_kafka_client_that_ends_unheard_costs_a_rejoin_and_no_event(
    opening: Opening, which: str, how: str
) -> None:
    """Its owner does not notice, so we do."""
    async with opening("kafka", []) as queue, queue.subscribe("g", "earliest") as subscription:
        assert isinstance(subscription, KafkaSubscription)
        await queue.publish(events(3))
        for message in await take(subscription, 3):
            subscription.settle(message)
        await soon(subscription.commit())
        consumer = subscription._upkeep.membership._consumer
        owner, name = {
            "coordination": (consumer._coordinator, "_coordination_task"),
            "fetching": (consumer._fetcher, "_fetch_task"),
            "metadata": (consumer._client, "_sync_task"),
        }[which]
        task = getattr(owner, name)
        task.cancel()
        await asyncio.wait([task])
        if how == "failed":
            task = asyncio.ensure_future(failing())
            await asyncio.wait([task])
            setattr(owner, name, task)
        elif which == "fetching":  # which takes a cancellation for its end
            assert task.done()
        await queue.publish(events(3, begin=3))
        seen: set[int] = set()
        async with asyncio.timeout(60):
            while seen != {3, 4, 5}:
                try:
                    got = await subscription.receive(10)
                except QueueUnavailable:
                    await asyncio.sleep(0.1)
                    continue
                if isinstance(got, Batch):
                    seen |= set(numbers(got.messages))
        assert subscription._upkeep.membership._consumer is not consumer


@needs_kafka
async def test_a_cluster_of_which_the_kafka_client_learns_nothing_more_is_asked_anew(opening: Opening) -> None:
    async with opening("kafka", []) as queue:
        assert isinstance(queue, KafkaQueue)
        clients = [queue._cluster.admin._client, queue._cluster._asker._client]
        for client in clients:
            client._sync_task.cancel()
            await asyncio.wait([client._sync_task])
        await soon(queue.check())
        for client in clients:
            assert not client._sync_task.done()
            await soon(client.force_metadata_update())


async def failing() -> None:
    raise RuntimeError("the handler is closed")


async def test_a_nats_connection_whose_reading_ends_unheard_is_made_anew(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client logs what it did not expect, and reads no more; its pings notice."""
    monkeypatch.setattr(connecting, "_PING_SECONDS", 0.3)
    async with opening("nats", []) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(2))
        assert numbers(await take(subscription, 2)) == [0, 1]
        fault = Fault(monkeypatch, Parser, "parse", ValueError("injected"))
        fault.armed = 1
        with suppress(QueueUnavailable):
            await soon(queue.publish(events(1, begin=2)))
        assert fault.raised == 1
        async with asyncio.timeout(60):
            while True:
                try:
                    await queue.publish(events(1, begin=3))
                    break
                except QueueUnavailable:
                    await asyncio.sleep(0.1)
        seen: list[int] = []
        async with asyncio.timeout(60):
            while 3 not in seen:
                try:
                    got = await subscription.receive(10)
                except QueueUnavailable:
                    await asyncio.sleep(0.1)
                    continue
                if isinstance(got, Batch):
                    seen += numbers(got.messages)
