"""The queue on a real Kafka: the contract, and what only Kafka promises."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from certificates import Authority
from contract import (
    PATIENCE_SECONDS,
    Contract,
    Opening,
    events,
    number_of,
    numbers,
    seeks_to_what_is_gone,
    settled_lag,
    soon,
    stays_silent,
    take,
)
from kafka_broker import (
    PASSWORD,
    STRANGER,
    STRANGERS_PASSWORD,
    USER,
    Broker,
    free_ports,
    missing,
    needed,
    running,
)
from kafka_topics import make_topic, settings, unsigned_token

from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.queues.kafka.queue import KafkaQueue
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.kafka.subscription import KafkaSubscription
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, EventTooLarge, LaneLost, Outgoing, Queue, QueueUnavailable, Subscription
from exporter.sections.section import FromFile

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Broker]:
    """One broker for all tests, each with a topic of its own."""
    needed()
    folder = tmp_path_factory.mktemp("kafka")
    pair = authority.sign("127.0.0.1", name="broker")
    store = folder / "broker-store.pem"
    store.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    with running(folder / "broker", (store, authority.certificate)) as broker:
        yield broker


@pytest.fixture
async def topic(kafka: Broker) -> str:
    return await make_topic(kafka)


@pytest.fixture
def opening(kafka: Broker, topic: str) -> Opening:
    return partial(open_queue, settings(kafka, topic), (), pytest.fail)


class TestKafka(Contract):
    """The contract. Where others wait as standbys, members of a Kafka group share the lanes."""

    async def takes_over(self, queue: Queue, another: Queue) -> None:
        await queue.publish(events(6))
        received: list[int] = []

        async def second() -> None:
            async with another.subscribe("g", "earliest") as subscription:
                while len(received) < 2:
                    got = await soon(subscription.receive(10))
                    if isinstance(got, Batch):
                        received.extend(numbers(got.messages))

        async with asyncio.TaskGroup() as tasks, queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 6)
            tasks.create_task(second())
            for message in taken[:4]:
                subscription.settle(message)
            await soon(members(queue, "g", 2))
        assert received == [4, 5]

    async def test_a_standby_that_gives_up_blocks_nobody(self, queue: Queue) -> None:
        async with queue.subscribe("g", "earliest") as first:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1), queue.subscribe("g", "earliest"):
                    pass
            await queue.publish(events(30, profiles=10))
            assert len(await take_of_all([first], 30)) == 30
        async with asyncio.timeout(PATIENCE_SECONDS), queue.subscribe("g", "earliest"):
            pass

    async def test_of_a_reader_and_its_standby_the_reader_is_seen(self, opening: Opening) -> None:
        """All that share the lanes are readers."""
        async with opening("one") as one, opening("two") as two:
            assert list(await two.badges("g")) == []
            async with one.subscribe("g", "earliest"):
                assert list(await two.badges("g")) == ["one"]
                async with two.subscribe("g", "earliest"):
                    assert sorted(await one.badges("g")) == ["one", "two"]
                assert list(await one.badges("g")) == ["one"]
                assert list(await two.badges("h")) == []
            assert list(await two.badges("g")) == []


async def members(queue: Queue, group: str, count: int) -> None:
    """Wait until a group has so many members, and shares the lanes among them."""
    assert isinstance(queue, KafkaQueue)
    while True:
        [answer] = await queue._cluster.admin.describe_consumer_groups([group])
        [(_, _, state, _, _, found, *_)] = answer.groups
        if state == "Stable" and len(found) == count:
            return
        await asyncio.sleep(0.05)


async def take_of_all(
    subscriptions: Sequence[Subscription], count: int, *, settle: bool = True
) -> list[tuple[int, Message]]:
    """Receive from several at once until so many different messages came: which subscription, and the message."""
    taken: list[tuple[int, Message]] = []
    seen: set[tuple[str, int]] = set()

    async def drink(index: int) -> None:
        while len(seen) < count:
            try:
                async with asyncio.timeout(0.3):
                    got = await subscriptions[index].receive(50)
            except (TimeoutError, QueueUnavailable):
                continue
            if isinstance(got, Batch):
                for message in got.messages:
                    taken.append((index, message))
                    seen.add((message.lane, message.position))
                    if settle:
                        subscriptions[index].settle(message)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for index in range(len(subscriptions)):
            tasks.create_task(drink(index))
    return taken


async def next_loss(subscription: Subscription) -> LaneLost:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                got = await subscription.receive(0)
            except QueueUnavailable:
                await asyncio.sleep(0.05)
            else:
                assert isinstance(got, LaneLost)
                return got


async def remains_pending(waiting: asyncio.Future[Any], seconds: float) -> bool:
    done, _ = await asyncio.wait([waiting], timeout=seconds)
    return not done


async def test_lanes_move_to_a_second_member_when_the_first_has_let_go(queue: Queue) -> None:
    await queue.publish(events(60, profiles=20))
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(queue.subscribe("g", "earliest"))
        held = await take(first, 60)
        second = await stack.enter_async_context(queue.subscribe("g", "earliest"))
        waiting = asyncio.ensure_future(second.receive(100))
        lost = await next_loss(first)
        assert lost.planned
        moved = [message for message in held if message.lane == lost.lane]
        assert await remains_pending(waiting, 1.0)  # what is in flight has not ended: nobody else reads that lane
        for message in moved[:-1]:
            first.settle(message)
        await soon(first.commit())
        calling = asyncio.ensure_future(first.receive(100))
        got = await soon(waiting)
        assert isinstance(got, Batch)
        assert [(message.lane, message.position) for message in got.messages] == [(lost.lane, moved[-1].position)]
        assert not calling.done()  # its other lanes go on, and nothing of them comes twice
        calling.cancel()
        await asyncio.wait([calling])
        first.settle(moved[-1])  # late, and harmless


async def test_lanes_that_leave_together_are_shared_anew_together(kafka: Broker) -> None:
    """Each new sharing takes as long as members need to hear of it."""
    topic = await make_topic(kafka, partitions=12)
    async with open_queue(settings(kafka, topic), (), pytest.fail) as queue, AsyncExitStack() as stack:
        first = await stack.enter_async_context(queue.subscribe("g", "earliest"))
        assert isinstance(first, KafkaSubscription)
        before = first._upkeep.membership._coordinator.generation
        second = await stack.enter_async_context(queue.subscribe("g", "earliest"))
        assert isinstance(second, KafkaSubscription)
        lost = []
        for _ in range(6):
            lost.append(await next_loss(first))
            await soon(first.commit())  # as a dataflow does, with each
        calling = asyncio.ensure_future(first.receive(0))
        await until(lambda: len(second._lanes.readable()) == 6)
        assert {each.lane for each in lost} == {second._lanes.name_of(number) for number in second._lanes.readable()}
        # The second's joining, and once more when the first has let go; a slow machine may need two turns for that.
        assert first._upkeep.membership._coordinator.generation - before <= 3
        calling.cancel()
        await asyncio.wait([calling])


async def test_members_that_come_and_go_under_load_lose_nothing_and_overtake_nobody(queue: Queue) -> None:
    delivered: dict[bytes, list[int]] = {}
    total = 3000

    async def produce() -> None:
        for begin in range(0, total, 50):
            await queue.publish(events(50, profiles=40, begin=begin))
            await asyncio.sleep(0.05)

    async def member(stop: asyncio.Event) -> None:
        async with queue.subscribe("g", "earliest") as subscription:
            receiving = asyncio.ensure_future(subscription.receive(20))
            stopping = asyncio.ensure_future(stop.wait())
            while not stop.is_set():
                await asyncio.wait([receiving, stopping], return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done():
                    break
                got = receiving.result()
                if isinstance(got, Batch):
                    await asyncio.sleep(0.003)
                    for message in got.messages:
                        delivered.setdefault(message.body.split(b":")[0], []).append(number_of(message))
                        subscription.settle(message)
                receiving = asyncio.ensure_future(subscription.receive(20))
            receiving.cancel()
            stopping.cancel()
            await asyncio.wait([receiving, stopping])

    stops = [asyncio.Event() for _ in range(4)]
    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        tasks.create_task(produce())
        for index, stop in enumerate(stops):
            tasks.create_task(member(stop))
            await asyncio.sleep(1.0)
            if index == 2:
                stops[0].set()
        await until(lambda: sum(map(len, delivered.values())) >= total)
        for stop in stops:
            stop.set()
    assert sorted(number for mine in delivered.values() for number in mine) == list(range(total))
    assert all(mine == sorted(mine) for mine in delivered.values())


async def test_the_lanes_of_a_killed_member_are_taken_over_and_nothing_is_lost(
    kafka: Broker, topic: str, queue: Queue, tmp_path: Path
) -> None:
    total = 3000
    program = str(Path(__file__).with_name("kafka_process.py"))
    outputs: list[list[str]] = []

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, kafka.address, topic, "killed", stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert (await soon(process.stdout.readline())).strip() == b"ready"
        outputs.append([])
        return process

    async def collect(process: asyncio.subprocess.Process, output: list[str]) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            output.append(line.decode().strip())

    async def produce() -> None:
        for begin in range(0, total, 20):
            await queue.publish(events(20, profiles=60, begin=begin))
            await asyncio.sleep(0.05)

    processes = [await start(), await start()]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for process, output in zip(processes, outputs, strict=True):
            tasks.create_task(collect(process, output))
        tasks.create_task(produce())
        try:
            await until(lambda: len(outputs[0]) > 100 and len(outputs[1]) > 50)
            processes[0].kill()
            await until(lambda: len(set(outputs[0]) | set(outputs[1])) == total)
        finally:
            processes[1].kill()
    for process in processes:
        await soon(process.wait())
    assert len(outputs[1]) == len(set(outputs[1]))  # what comes twice comes after the kill, to the other one
    numbers_of: dict[str, list[int]] = {}
    for line in outputs[1]:
        profile, number = line.split(":")
        numbers_of.setdefault(profile, []).append(int(number))
    assert all(mine == sorted(mine) for mine in numbers_of.values())


async def until(probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS * 2):
        while not probe():  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.05)


async def test_who_does_not_call_receive_for_long_stays_a_member(kafka: Broker, topic: str) -> None:
    """Several times the session time-out, on a group that another member watches for lanes to come free."""
    async with (
        open_queue(settings(kafka, topic, session_timeout=1.5), (), pytest.fail) as queue,
        AsyncExitStack() as stack,
    ):
        await queue.publish(events(30, profiles=10))
        first = await stack.enter_async_context(queue.subscribe("g", "earliest"))
        held = await take(first, 30)
        second = await stack.enter_async_context(queue.subscribe("g", "earliest"))
        lost = await next_loss(first)
        waiting = asyncio.ensure_future(second.receive(100))
        assert await remains_pending(waiting, 6.0)
        for message in held:
            first.settle(message)
        await soon(first.commit())  # it still may
        receiving = asyncio.ensure_future(first.receive(100))
        assert await remains_pending(receiving, 0.5)
        await queue.publish(events(30, profiles=10, begin=30))
        to_second, to_first = await soon(waiting), await soon(receiving)
        assert isinstance(to_second, Batch)
        assert isinstance(to_first, Batch)
        assert {message.lane for message in to_second.messages} == {lost.lane}
        assert min(numbers([*to_second.messages, *to_first.messages])) >= 30


async def test_a_broker_that_restarts_under_load_costs_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "broker") as broker:
        topic = await make_topic(broker)
        total = 1200
        async with open_queue(settings(broker, topic, session_timeout=4), (), pytest.fail) as queue:
            seen: dict[bytes, list[int]] = {}
            complaints: list[str] = []
            begun = asyncio.Event()

            async def produce() -> None:
                for begin in range(0, total, 20):
                    while True:
                        try:
                            await queue.publish(events(20, profiles=20, begin=begin))
                            break
                        except QueueUnavailable as error:
                            complaints.append(str(error))
                            await asyncio.sleep(0.3)
                    await asyncio.sleep(0.02)

            async def consume() -> None:
                async with queue.subscribe("g", "earliest") as subscription:
                    while len({number for mine in seen.values() for number in mine}) < total:
                        try:
                            got = await subscription.receive(20)
                        except QueueUnavailable as error:
                            complaints.append(str(error))
                            await asyncio.sleep(0.3)
                            continue
                        if isinstance(got, Batch):
                            begun.set()
                            for message in got.messages:
                                seen.setdefault(message.body.split(b":")[0], []).append(number_of(message))
                                subscription.settle(message)
                    await commit_at_last(subscription)

            async with asyncio.timeout(300), asyncio.TaskGroup() as tasks:
                tasks.create_task(produce())
                tasks.create_task(consume())
                await soon(begun.wait())
                await asyncio.to_thread(broker.kill)
                await asyncio.sleep(6.0)  # longer than the session
                await asyncio.to_thread(broker.start)
            assert complaints
            assert await settled_lag(queue, "g") == 0
            for mine in seen.values():
                first_seen = list(dict.fromkeys(mine))
                assert first_seen == sorted(first_seen)


async def commit_at_last(subscription: Subscription) -> None:
    """Commit, however often that takes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await subscription.commit()
            except QueueUnavailable:
                await asyncio.sleep(0.2)


async def test_a_member_that_hears_nothing_for_a_session_gives_its_lanes_up_by_itself(tmp_path: Path) -> None:
    with running(tmp_path / "broker") as broker:
        topic = await make_topic(broker, partitions=1)
        async with open_queue(settings(broker, topic, session_timeout=2), (), pytest.fail) as queue:
            await queue.publish(events(5))
            async with queue.subscribe("g", "earliest") as subscription:
                taken = await take(subscription, 5)
                subscription.settle(taken[0])
                await soon(subscription.commit())
                assert broker.process is not None
                broker.process.send_signal(signal.SIGSTOP)
                try:
                    assert await next_loss(subscription) == LaneLost(taken[0].lane, planned=False)
                    with pytest.raises(QueueUnavailable):
                        await soon(subscription.receive(10))
                finally:
                    broker.process.send_signal(signal.SIGCONT)
                again: list[int] = []
                while len(again) < 4:
                    try:
                        got = await soon(subscription.receive(10))
                    except QueueUnavailable:
                        await asyncio.sleep(0.2)
                        continue
                    if isinstance(got, Batch):
                        again += numbers(got.messages)
                assert again == [1, 2, 3, 4]
                subscription.settle(taken[1])  # of a lane that was lost: harmless, and not taken for the new one
                assert subscription.lag().messages == 4


async def test_a_missing_topic_is_said_and_not_made(kafka: Broker) -> None:
    async with open_queue(settings(kafka, "nobody-made-me"), (), pytest.fail) as queue:
        with pytest.raises(QueueUnavailable, match="topic nobody-made-me: the topic does not exist"):
            await queue.publish(events(1))
        for _ in range(2):
            with pytest.raises(QueueUnavailable, match="topic nobody-made-me: the topic does not exist"):
                await queue.subscribe("g", "earliest").__aenter__()
        with pytest.raises(QueueUnavailable, match="does not exist"):
            await queue.check()


async def test_ranges_that_have_no_room_stop_the_lane_until_they_fit(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    async with open_queue(settings(kafka, topic, offset_metadata_max_bytes=64), (), pytest.fail) as queue:
        await queue.publish(events(200))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 100)
            for message in taken[1::2]:
                subscription.settle(message)
            await soon(subscription.commit())
            assert await stays_silent(subscription)
            for message in taken[::2]:
                subscription.settle(message)
            assert numbers(await take(subscription, 100)) == list(range(100, 200))


async def test_ids_and_traces_from_headers_null_values_and_times(kafka: Broker, topic: str, queue: Queue) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    try:
        headers = [("other", b"x"), ("id", b"plain"), ("ce_id", b"cloud-7")]
        headers += [("traceparent", b"00-a-b-01"), ("tracestate", b"x=1")]
        await producer.send_and_wait(topic, b"a:1", key=b"k", headers=headers, timestamp_ms=1_700_000_000_123)
        await producer.send_and_wait(topic, None, key=b"k", headers=[("id", b"plain")])
        await producer.send_and_wait(topic, b"a:3", key=b"k", headers=[("id", b"\xff")])
    finally:
        await producer.stop()
    async with queue.subscribe("g", "earliest") as subscription:
        first, second, third = await take(subscription, 3)
    assert (first.event_id, first.body, first.taken_at) == ("cloud-7", b"a:1", 1_700_000_000.123)
    assert (second.event_id, second.body, second.fault) == ("plain", b"", None)
    assert (first.fault, third.event_id, third.fault) == (None, None, None)
    assert (first.trace, second.trace) == (Trace("00-a-b-01", "x=1"), None)


async def test_what_kafkas_own_producer_wrote_is_read(kafka: Broker, topic: str, queue: Queue) -> None:
    arguments = ("--bootstrap-server", kafka.address, "--topic", topic, "--property", "parse.key=true")
    lines = b"".join(b"p%d\tp%d:%d\n" % (number % 4, number % 4, number) for number in range(20))
    await asyncio.to_thread(kafka.tool, "org.apache.kafka.tools.ConsoleProducer", *arguments, stdin=lines)
    await queue.publish([Outgoing("p1", b"p1:21")])  # to the lane where the other one put this profile
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 21)
    assert sorted(numbers(taken)) == [*range(20), 21]
    assert len({message.lane for message in taken if message.body.startswith(b"p1:")}) == 1


async def test_deleted_events_are_told_and_reading_goes_on(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    told: list[str] = []
    async with open_queue(settings(kafka, topic), (), told.append) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            subscription.settle((await take(subscription, 2))[0])
        await delete_up_to(kafka, topic, 6)
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 4)) == [6, 7, 8, 9]
    assert told == ["group g: events 1 to 5 of partition 0 were deleted before it read them"]


async def test_of_events_that_are_deleted_while_others_are_in_hand_only_the_unread_are_missed(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    told: list[str] = []
    async with open_queue(settings(kafka, topic, fetch_max_bytes=1024), (), told.append) as queue:
        for number in range(100):
            await queue.publish([Outgoing("p", b"p:%d:" % number + b"x" * 600)])
        async with queue.subscribe("g", "earliest") as subscription:
            read = await take(subscription, 5)
            subscription.settle(read[0])
            await delete_up_to(kafka, topic, 90)
            while numbers(read)[-1] != 99:
                got = await soon(subscription.receive(100))
                assert isinstance(got, Batch), "what was read stays in hand"
                read += got.messages
            assert numbers(read)[-10:] == list(range(90, 100))
            missed_from = numbers(read)[-11] + 1
            assert numbers(read)[:-10] == list(range(missed_from))
            for message in read:
                subscription.settle(message)
            await soon(subscription.commit())
            assert subscription.lag().messages == 0
        assert await settled_lag(queue, "g") == 0
        async with queue.subscribe("g", "earliest") as subscription:
            assert await stays_silent(subscription)
    assert told == [f"group g: events {missed_from} to 89 of partition 0 were deleted before it read them"]


async def test_seeking_to_what_retention_deleted_says_so(kafka: Broker) -> None:
    topic = await make_topic(kafka, partitions=1)
    async with open_queue(settings(kafka, topic), (), lambda text: None) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            published = await take(subscription, 10)
        await delete_up_to(kafka, topic, published[4].position)
        await seeks_to_what_is_gone(queue, published, 4)


async def delete_up_to(broker: Broker, topic: str, offset: int) -> None:
    """Delete what is below this offset, as retention would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(offset)})
    finally:
        await admin.close()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_passwords(kafka: Broker, topic: str, mechanism: str) -> None:
    def sasl(password: str) -> dict[str, object]:
        address = f"127.0.0.1:{kafka.sasl_port}"
        return {"bootstrap_servers": address, "sasl": {"mechanism": mechanism, "username": USER, "password": password}}

    async with open_queue(settings(kafka, topic, **sasl(PASSWORD)), (), pytest.fail) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 1, 2]
    with pytest.raises(QueueUnavailable, match="refused our credentials") as caught:
        await open_queue(settings(kafka, topic, **sasl("wrong-8831")), (), pytest.fail).__aenter__()
    assert "wrong-8831" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_bearer_token_is_read_anew_from_its_file(kafka: Broker, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(unsigned_token(USER, seconds=-1.0))
    more = {"sasl": {"mechanism": "OAUTHBEARER", "token": FromFile.read(file)}}
    address = f"127.0.0.1:{kafka.sasl_port}"
    with_token = settings(kafka, topic, bootstrap_servers=address, **more)
    with pytest.raises(QueueUnavailable, match="refused our credentials"):
        await open_queue(with_token, (), pytest.fail).__aenter__()
    file.write_text(unsigned_token(USER))
    async with open_queue(with_token, (), pytest.fail) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 1, 2]


async def test_certificates_on_both_sides(kafka: Broker, topic: str, authority: Authority) -> None:
    pair = authority.sign("client", name="leaf")
    files = {"ca_file": authority.certificate, "client_cert_file": pair.certificate, "client_key_file": pair.key}
    address = f"127.0.0.1:{kafka.tls_port}"
    async with open_queue(settings(kafka, topic, bootstrap_servers=address, tls=files), (), pytest.fail) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 1, 2]
    with pytest.raises(QueueUnavailable, match="not trusted"):
        await open_queue(settings(kafka, topic, bootstrap_servers=address, tls={}), (), pytest.fail).__aenter__()
    only_ca = {"ca_file": authority.certificate}
    with pytest.raises(QueueUnavailable):
        await open_queue(settings(kafka, topic, bootstrap_servers=address, tls=only_ca), (), pytest.fail).__aenter__()


async def test_missing_rights_are_said(kafka: Broker, topic: str) -> None:
    sasl = {"mechanism": "PLAIN", "username": STRANGER, "password": STRANGERS_PASSWORD}
    address = f"127.0.0.1:{kafka.sasl_port}"
    async with open_queue(settings(kafka, topic, bootstrap_servers=address, sasl=sasl), ("g",), pytest.fail) as queue:
        with pytest.raises(QueueUnavailable, match="not authorised for the topic"):
            await queue.subscribe("g", "earliest").__aenter__()
        with pytest.raises(QueueUnavailable, match="not authorised"):
            await queue.publish(events(1))
        with pytest.raises(QueueUnavailable, match="not authorised for the topic: Describe is missing"):
            await queue.check()


async def test_a_broker_that_is_not_there_is_said(tmp_path: Path) -> None:
    [port] = free_ports(1)
    values = {"kind": "kafka", "bootstrap_servers": f"127.0.0.1:{port}"}
    with pytest.raises(QueueUnavailable, match=f"127.0.0.1:{port}: connection refused"):
        await open_queue(KafkaSettings.model_validate(values), (), pytest.fail).__aenter__()


async def test_an_event_that_the_broker_does_not_take_is_said(queue: Queue) -> None:
    with pytest.raises(EventTooLarge, match="larger than the broker takes"):
        await queue.publish([Outgoing("p", b"x" * 2_000_000)])
    await queue.publish(events(2))
    async with queue.subscribe("g", "earliest") as subscription:
        assert numbers(await take(subscription, 2)) == [0, 1]


async def test_other_peoples_groups_are_left_alone(kafka: Broker, topic: str, queue: Queue) -> None:
    async with queue.subscribe("others.reporting", "earliest"):
        pass
    async with open_queue(settings(kafka, topic, group_prefix="exporter."), (), pytest.fail) as ours:
        assert await ours.positions() == []
        with pytest.raises(KeyError):
            await ours.drop("others.reporting")


async def test_a_static_member_comes_back_to_its_lanes_without_a_new_sharing(kafka: Broker, topic: str) -> None:
    async with AsyncExitStack() as stack:
        queues = [
            await stack.enter_async_context(
                open_queue(settings(kafka, topic, instance_id=name, session_timeout=6), (), pytest.fail)
            )
            for name in ("one", "two")
        ]
        await queues[0].publish(events(60, profiles=20))
        other = await stack.enter_async_context(queues[1].subscribe("static", "earliest"))
        async with queues[0].subscribe("static", "earliest") as first:
            lost = await next_loss(other)
            calling = asyncio.ensure_future(other.receive(100))
            got = await soon(first.receive(100))
            assert isinstance(got, Batch)
            assert {message.lane for message in got.messages} == {lost.lane}
        async with queues[0].subscribe("static", "earliest") as first:
            got = await soon(first.receive(100))
            assert isinstance(got, Batch)
            assert {message.lane for message in got.messages} == {lost.lane}
        calling.cancel()
        await asyncio.wait([calling])
