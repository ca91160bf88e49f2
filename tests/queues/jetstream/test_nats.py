"""NATS JetStream on a real server: the contract, and what only a log with a bucket of positions promises."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest
from contract import (
    Contract,
    Opening,
    batch,
    events,
    from_number,
    numbers,
    places,
    seeks_to_what_is_gone,
    settled_lag,
    soon,
    stays_silent,
    take,
    turns,
)
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StreamConfig
from nats_broker import Broker
from standing_still import SECONDS, answered_meanwhile

from exporter.dataflow.examine import made_event_id
from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import (
    Batch,
    EventTooLarge,
    GroupInUse,
    LaneLost,
    Outgoing,
    QueueFull,
    QueueUnavailable,
    Subscription,
)

PROCESS = Path(__file__).with_name("nats_process.py")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for the tests that do not hurt it."""
    broker = Broker(tmp_path_factory.mktemp("nats"), "max_payload: 8MB\n")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    """One of the test's own, not started yet."""
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


def settings(broker: Broker, **rest: Any) -> NatsSettings:
    given = {"url": broker.url, "stream": f"s-{uuid4().hex}", "create": True, **rest}
    return NatsSettings.model_validate(given)


@pytest.fixture
async def opening(broker: Broker) -> Opening:
    await broker.answers()
    return partial(open_queue, settings(broker), (), pytest.fail)


class TestNats(Contract):
    """The contract."""


@asynccontextmanager
async def by_hand(broker: Broker) -> AsyncIterator[Client]:
    """A client that nobody here wrote."""
    client = await nats.connect(broker.url)
    try:
        yield client
    finally:
        await client.close()


async def persisting(act: Callable[[], Awaitable[Any]]) -> Any:
    """What ``act`` gives once the queue is there."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await act()
            except QueueUnavailable:
                await asyncio.sleep(0.05)


async def until(probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not probe():  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.05)


async def lost(subscription: Subscription) -> LaneLost:
    """The loss, after what may come before it."""
    async with asyncio.timeout(30):
        while True:
            got = await persisting(lambda: subscription.receive(10))
            if isinstance(got, LaneLost):
                return got


# -- what is on the stream


async def test_events_that_another_client_published_are_read_with_the_ids_of_their_headers(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
        js = client.jetstream()
        await js.publish(
            f"{config.stream}.x", b'{"profileId":"p"}', headers={"Nats-Msg-Id": "id-1", "traceparent": "00-a-b-01"}
        )
        await js.publish(f"{config.stream}.y", b"", headers={"ce-id": "id-2", "Status": "404"})
        await js.publish(f"{config.stream}.x", b"plain")
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 3)
    assert [(m.position, m.body, m.event_id) for m in taken] == [
        (1, b'{"profileId":"p"}', "id-1"),
        (2, b"", "id-2"),
        (3, b"plain", None),
    ]
    assert [m.trace for m in taken] == [Trace("00-a-b-01"), None, None]
    assert all(abs(m.taken_at - asyncio.get_running_loop().time()) > 1e6 for m in taken)  # it is an epoch time


async def test_a_stream_with_subjects_of_its_own_is_read_and_refuses_to_be_published_to(broker: Broker) -> None:
    async with by_hand(broker) as client:
        js = client.jetstream()
        name = uuid4().hex
        await js.add_stream(name=name, subjects=[f"changes.{name}.>"])
        await js.publish(f"changes.{name}.a.b", b"x:0")
        async with open_queue(settings(broker, stream=name, create=False), (), pytest.fail) as queue:
            async with queue.subscribe("g", "earliest") as subscription:
                assert numbers(await take(subscription, 1)) == [0]
            with pytest.raises(QueueUnavailable, match=f"no stream takes the subjects {name}.0"):
                await queue.publish(events(1))


async def test_a_stream_that_takes_the_subjects_of_another_gets_nothing(broker: Broker) -> None:
    async with by_hand(broker) as client:
        js = client.jetstream()
        ours, theirs = uuid4().hex, uuid4().hex
        await js.add_stream(name=ours, subjects=[f"{ours}.elsewhere.>"])
        await js.add_stream(name=theirs, subjects=[f"{ours}.*"])
        async with open_queue(settings(broker, stream=ours, create=False), (), pytest.fail) as queue:
            with pytest.raises(QueueUnavailable, match="expected stream does not match"):
                await queue.publish(events(5))
        assert (await js.stream_info(theirs)).state.messages == 0


async def test_a_profile_has_one_subject_of_256(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
        await queue.publish(events(4000, profiles=2000))
        info = await client.jetstream().stream_info(config.stream, subjects_filter=">")
        found = info.state.subjects or {}
    assert found.keys() == {f"{config.stream}.{number}" for number in range(256)}
    assert all(count % 2 == 0 for count in found.values())  # both events of a profile on the same one


async def test_a_missing_stream_is_only_made_where_that_is_wished(broker: Broker) -> None:
    missing = settings(broker, create=False)
    with pytest.raises(QueueUnavailable, match=f"there is no stream {missing.stream}: make it, or set `create: true`"):
        async with open_queue(missing, (), pytest.fail):
            pass


async def test_a_stream_that_is_there_is_left_as_it_is(broker: Broker) -> None:
    async with by_hand(broker) as client:
        name = uuid4().hex
        await client.jetstream().add_stream(name=name, subjects=[f"{name}.*"], max_msgs=77)
        async with open_queue(settings(broker, stream=name, max_age=60), (), pytest.fail) as queue:
            await queue.publish(events(1))
        assert (await client.jetstream().stream_info(name)).config.max_msgs == 77


async def test_a_stream_is_made_with_its_limits(broker: Broker) -> None:
    config = settings(broker, max_age=60, max_bytes="1MiB")
    async with open_queue(config, (), pytest.fail), by_hand(broker) as client:
        made = (await client.jetstream().stream_info(config.stream)).config
    assert (made.max_age, made.max_bytes, made.subjects) == (60, 1024**2, [f"{config.stream}.*"])


async def test_a_stream_that_deletes_what_was_read_is_refused(broker: Broker) -> None:
    async with by_hand(broker) as client:
        name = uuid4().hex
        await client.jetstream().add_stream(name=name, subjects=[f"{name}.*"], retention=RetentionPolicy.WORK_QUEUE)
        with pytest.raises(QueueUnavailable, match="has the retention workqueue, which deletes"):
            async with open_queue(settings(broker, stream=name), (), pytest.fail):
                pass


async def test_a_full_stream_refuses(broker: Broker) -> None:
    async with by_hand(broker) as client:
        name = uuid4().hex
        config = StreamConfig(name=name, subjects=[f"{name}.*"], max_msgs=5, discard=DiscardPolicy.NEW)
        await client.jetstream().add_stream(config)
        async with open_queue(settings(broker, stream=name), (), pytest.fail) as queue:
            await queue.publish(events(5))
            with pytest.raises(QueueFull, match="maximum messages exceeded"):
                await queue.publish(events(1))


async def test_an_event_that_no_server_takes_is_refused_alone(broker: Broker) -> None:
    large = Outgoing("p0", b"x" * 9_000_000)
    async with open_queue(settings(broker), (), pytest.fail) as queue:
        with pytest.raises(EventTooLarge, match=r"an event has 9000000 bytes.*max_payload") as refused:
            await queue.publish([large, *events(3), large, *events(2, begin=3)])
        assert refused.value.indexes == [0, 4]
        with pytest.raises(EventTooLarge):
            await queue.publish([large])
        await queue.publish(events(1, begin=5))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 6)) == list(range(6))


async def test_an_event_that_the_stream_does_not_take_is_refused_alone(broker: Broker) -> None:
    name = uuid4().hex
    async with by_hand(broker) as client:
        await client.jetstream().add_stream(StreamConfig(name=name, subjects=[f"{name}.*"], max_msg_size=500))
    large = Outgoing("p0", b"x" * 501)
    async with (
        open_queue(settings(broker, stream=name), (), pytest.fail) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        with pytest.raises(EventTooLarge, match="max_msg_size") as refused:
            await queue.publish([large, *events(700), large, *events(2, begin=700)])
        assert refused.value.indexes == [0, 701]
        most = await queue.max_event_bytes("outbox")
        assert most is not None
        await queue.publish([Outgoing("p0", b"x" * most)], from_number(2**52))
        with pytest.raises(EventTooLarge):
            await queue.publish([Outgoing("p0", b"x" * (most + 200))], from_number(2**52 + 1))
        assert numbers((await take(subscription, 703))[:702]) == list(range(702))
        assert subscription.lag().messages == 703


async def test_events_larger_than_a_batch_are_read_too(broker: Broker) -> None:
    async with open_queue(settings(broker), (), pytest.fail) as queue:
        sizes = [10, 3_000_000, 10, 700_000, 700_000, 2_000_000, 10]
        await queue.publish([Outgoing(None, b"x" * size) for size in sizes])
        async with queue.subscribe("g", "earliest") as subscription:
            assert [len(message.body) for message in await take(subscription, len(sizes))] == sizes


async def test_two_streams_of_one_name_have_lanes_of_different_names(broker: Broker) -> None:
    config = settings(broker)
    seen = []
    for _ in range(2):
        async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
            await queue.publish(events(1))
            async with queue.subscribe(uuid4().hex, "earliest") as subscription:
                [message] = await take(subscription, 1)
                seen.append(message.lane)
                assert made_event_id(message, queue.name) == f"nats-{config.stream}-{message.lane}-1"
            await client.jetstream().delete_stream(config.stream)
    assert int(seen[0]) < int(seen[1])


async def test_odd_group_names_are_kept_as_they_are(broker: Broker) -> None:
    groups = ["exporter.a", "a b", "ä=3d*>", ".x..", "=probe"]
    async with open_queue(settings(broker), (), pytest.fail) as queue:
        await queue.check()
        for group in groups:
            async with queue.subscribe(group, "latest"):
                pass
        assert sorted(place.group for place in await queue.positions()) == sorted(groups)


# -- crashes


async def test_a_killed_readers_place_is_taken_in_seconds_and_what_it_held_comes_first(broker: Broker) -> None:
    config = settings(broker, lease=2)
    async with open_queue(config, (), pytest.fail) as queue:
        await queue.publish(events(10))
        argv = (sys.executable, PROCESS, config.url, config.stream, "2", "g", "1")
        holder = await asyncio.create_subprocess_exec(*argv, stdout=PIPE, stderr=PIPE)
        assert holder.stdout is not None
        try:
            assert await soon(holder.stdout.readline()) == b"reading\n"
            assert await soon(holder.stdout.readline()) == b"settled, and holds 5\n"
            with pytest.raises(GroupInUse):
                await queue.seek("g", "earliest")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(4), queue.subscribe("g", "earliest"):
                    pass
            assert holder.returncode is None
        finally:
            holder.kill()
            _, printed = await soon(holder.communicate())
        async with asyncio.timeout(30), queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 9)) == list(range(1, 10))
    assert printed == b""


async def test_after_a_crash_what_was_not_settled_comes_first_and_in_order(broker: Broker) -> None:
    config = settings(broker, lease=1)
    async with open_queue(config, (), lambda _: None) as queue:
        await queue.publish(events(5))
        crashed = queue.subscribe("g", "earliest")
        subscription = await crashed.__aenter__()
        taken = await take(subscription, 5)
        subscription.settle(taken[0])
        await soon(subscription.commit())
        await queue.publish(events(5, begin=5))
        await cut_off(subscription)
        async with open_queue(config, (), pytest.fail) as other, other.subscribe("g", "earliest") as again:
            assert numbers(await take(again, 9, limit=2)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
        await lost(subscription)
        await crashed.__aexit__(None, None, None)


async def cut_off(subscription: Subscription) -> None:
    """Let it neither speak nor hear any more, as a machine that stands still."""
    bucket: Any = subscription.commits._lease._bucket  # type: ignore[attr-defined]  # no seam for what must not be

    async def silence(*_: object, **__: object) -> None:
        raise QueueUnavailable("cut off")

    bucket.write = silence


async def test_a_place_that_was_taken_is_lost_and_its_position_is_not_overwritten(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 6)
            subscription.settle(taken[0])
            await soon(subscription.commit())
            bucket = await client.jetstream().key_value(f"{config.stream}-positions")
            entry = await bucket.get("g")
            assert entry.value is not None
            stolen = entry.value.replace(b'"settled_to":1', b'"settled_to":7').replace(b'"lease":8.0', b'"lease":2.0')
            name = stolen.index(b'"name":"') + 8
            stolen = stolen[:name] + b"0" * 32 + stolen[name + 32 :]
            await bucket.put("g", stolen)
            for message in taken[1:3]:
                subscription.settle(message)
            assert await lost(subscription) == LaneLost(taken[0].lane, planned=False)
            subscription.settle(taken[3])  # harmless
            await soon(subscription.commit())
            assert [place.settled_to for place in await places(queue, "g")] == [7]
            # The thief says nothing more, so the place is free again in a while: from where the thief left it.
            assert numbers(await take(subscription, 3)) == [7, 8, 9]
            subscription.settle(taken[4])  # of the time before
            await soon(subscription.commit())
            assert [place.settled_to for place in await places(queue, "g")] == [7]


async def test_nothing_is_handed_out_once_somebody_else_may_read(broker: Broker) -> None:
    async with open_queue(settings(broker), (), lambda _: None) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 2)) == [0, 1]
            await cut_off(subscription)
            reading: Any = subscription
            reading.commits._lease._until = 0.0  # the loop stood still for a whole lease
            assert reading._source.buffer
            assert isinstance(await persisting(lambda: subscription.receive(1)), LaneLost)


async def test_standbys_that_give_up_at_any_moment_leave_the_place_free(broker: Broker) -> None:
    config = settings(broker, lease=60)
    async with open_queue(config, (), pytest.fail) as queue, open_queue(config, (), pytest.fail) as other:

        async def enter() -> None:
            async with queue.subscribe("g", "earliest"):
                await asyncio.Event().wait()

        for attempt in range(60):
            entering = asyncio.ensure_future(enter())
            await turns(attempt)
            entering.cancel()
            await asyncio.wait([entering])
            async with asyncio.timeout(20), other.subscribe("g", "earliest"):
                pass


async def test_a_delivery_that_got_lost_is_read_again_in_its_place(broker: Broker) -> None:
    async with open_queue(settings(broker), (), pytest.fail) as queue, queue.subscribe("g", "earliest") as subscription:
        source: Any = subscription._source  # type: ignore[attr-defined]
        hear = source._delivered
        dropped: list[Any] = []

        def drop_one(consumer: Any, message: Any, delivery: Any) -> None:
            if delivery.sequence == 4 and not dropped:
                dropped.append(message)
            else:
                hear(consumer, message, delivery)

        source._delivered = drop_one
        await queue.publish(events(10))
        assert numbers(await take(subscription, 10)) == list(range(10))
        assert dropped


async def test_a_connection_lost_while_a_reading_is_opened_is_got_over(own: Broker) -> None:
    own.start()
    await own.answers()
    async with open_queue(settings(own), (), pytest.fail) as queue, queue.subscribe("g", "earliest") as subscription:
        await queue.publish(events(3))
        stream: Any = subscription._source._stream  # type: ignore[attr-defined]
        make = stream.make_consumer

        async def interrupted(first: int) -> str:
            stream.make_consumer = make
            own.kill()
            name: str = await make(first)
            return name

        stream.make_consumer = interrupted
        with pytest.raises(QueueUnavailable):
            await soon(subscription.receive(1))
        own.start()
        first = (await persisting(lambda: subscription.receive(10))).messages
        assert numbers([*first, *await take(subscription, 3 - len(first))]) == [0, 1, 2]


async def test_a_server_that_is_away_longer_than_the_lease_costs_no_settled_event(own: Broker) -> None:
    own.start()
    await own.answers()
    async with open_queue(settings(own, lease=1), (), pytest.fail) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 10)
            own.kill()
            for message in taken[:4]:
                subscription.settle(message)
            assert await lost(subscription) == LaneLost(taken[0].lane, planned=False)
            subscription.settle(taken[5])  # it was in flight, and ends after the lane was lost
            with pytest.raises(QueueUnavailable):
                await soon(subscription.commit())
            own.start()
            again: list[Message] = []
            while len(again) < 5:
                got = await persisting(lambda: subscription.receive(10))
                assert isinstance(got, Batch)
                again.extend(got.messages)
            assert numbers(again) == [4, 6, 7, 8, 9]
        assert await settled_lag(queue, "g") == 5


async def test_a_server_restarted_under_load_loses_nothing_and_keeps_the_order(
    own: Broker, capfd: pytest.CaptureFixture[str]
) -> None:
    own.start()
    await own.answers()
    total = 3000
    got: list[int] = []
    restarts = 0
    async with open_queue(settings(own), (), pytest.fail) as queue:

        async def publish() -> None:
            for begin in range(0, total, 50):
                await persisting(lambda begin=begin: queue.publish(events(50, profiles=5, begin=begin)))  # type: ignore[misc]
                await asyncio.sleep(0.01)

        async def restart() -> None:
            nonlocal restarts
            for mark in (500, 1500, 2200):
                await until(lambda mark=mark: len(got) > mark)  # type: ignore[misc]
                own.kill()
                await asyncio.sleep(0.3)
                own.start()
                restarts += 1
            await own.answers()  # to the position that is written when the subscription is left

        async with queue.subscribe("g", "earliest") as subscription, asyncio.TaskGroup() as tasks:
            tasks.create_task(publish())
            tasks.create_task(restart())
            async with asyncio.timeout(90):
                while len(set(got)) < total:
                    received = await persisting(lambda: subscription.receive(20))
                    assert isinstance(received, Batch)
                    for message in received.messages:
                        subscription.settle(message)
                    got.extend(numbers(received.messages))
            await persisting(subscription.commit)
        assert await settled_lag(queue, "g") == 0
    assert restarts == 3
    for profile in range(5):
        mine = [number for number in got if number % 5 == profile]
        firsts = list(dict.fromkeys(mine))
        assert firsts == sorted(firsts)  # an event may come twice, when its publisher had to say it again
    assert capfd.readouterr().err == ""


async def test_a_server_that_is_not_there_yet_is_said_and_found_later(own: Broker) -> None:
    with pytest.raises(QueueUnavailable, match="NATS cannot be reached: connection refused"):
        async with open_queue(settings(own), (), pytest.fail):
            pass
    own.start()
    await own.answers()
    async with open_queue(settings(own), (), pytest.fail) as queue:
        await queue.check()
        own.stop()
        with pytest.raises(QueueUnavailable, match="NATS"):
            await queue.check()
        async with asyncio.timeout(10):
            with pytest.raises(QueueUnavailable):
                async with queue.subscribe("g", "earliest"):
                    pass
        own.start()
        await persisting(queue.check)


async def test_leaving_while_the_server_is_away_ends_with_a_warning(own: Broker) -> None:
    own.start()
    await own.answers()
    warnings: list[str] = []
    async with open_queue(settings(own), (), warnings.append) as queue:
        await queue.publish(events(2))
        async with queue.subscribe("g", "earliest") as subscription:
            subscription.settle((await take(subscription, 2))[0])
            own.stop()
            with pytest.raises(QueueUnavailable):
                await soon(subscription.commit())
    assert len(warnings) == 1
    assert "group g: its last position could not be written" in warnings[0]


# -- what others do to the stream


async def test_a_purged_stream_is_reported_and_read_on(broker: Broker) -> None:
    warnings: list[str] = []
    config = settings(broker)
    async with open_queue(config, (), warnings.append) as queue, by_hand(broker) as client:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 3, limit=3):
                subscription.settle(message)
        await client.jetstream().purge_stream(config.stream)
        async with queue.subscribe("g", "earliest") as subscription:
            assert await stays_silent(subscription)
            assert warnings == ["group g: events 4 to 10 were deleted from the stream before it read them"]
            assert subscription.lag().messages == 0
            await queue.publish(events(2, begin=10))
            assert numbers(await take(subscription, 2)) == [10, 11]
        assert len(warnings) == 1


async def test_seeking_to_what_was_purged_says_so(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), lambda text: None) as queue, by_hand(broker) as client:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            published = await take(subscription, 10)
        await client.jetstream().purge_stream(config.stream, seq=published[4].position)
        await seeks_to_what_is_gone(queue, published, 4)


async def test_a_stream_purged_while_its_reader_waits_is_reported(broker: Broker) -> None:
    warnings: list[str] = []
    config = settings(broker)
    async with open_queue(config, (), warnings.append) as queue, by_hand(broker) as client:
        async with queue.subscribe("idle", "earliest"):  # asks for nothing: its dataflow is paused
            await queue.publish(events(10))
            await client.jetstream().purge_stream(config.stream)
            await until(lambda: bool(warnings))
        assert warnings == ["group idle: events 1 to 10 were deleted from the stream before it read them"]


async def test_events_deleted_from_within_are_reported_but_not_those_that_were_settled(broker: Broker) -> None:
    warnings: list[str] = []
    config = settings(broker)
    async with open_queue(config, (), warnings.append) as queue, by_hand(broker) as client:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 10):
                if number_is(message, 3, 4, 5):
                    subscription.settle(message)
        for sequence in (3, 4, 5, 6, 7):  # the numbers 2 to 6, of which 3 to 5 are settled
            await client.jetstream().delete_msg(config.stream, sequence)
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 5)) == [0, 1, 7, 8, 9]
    assert warnings == ["group g: 2 events from 3 to 7 were deleted from the stream before it read them"]


def number_is(message: Message, *wanted: int) -> bool:
    return message.position - 1 in wanted


async def test_a_stream_made_anew_is_read_from_its_beginning(broker: Broker) -> None:
    warnings: list[str] = []
    config = settings(broker)
    async with open_queue(config, (), warnings.append) as queue, by_hand(broker) as client:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            old = await take(subscription, 10)
            for message in old[:5]:
                subscription.settle(message)
            await soon(subscription.commit())
            await client.jetstream().delete_stream(config.stream)
            await client.jetstream().add_stream(name=config.stream, subjects=[f"{config.stream}.*"])
            await queue.publish(events(7, begin=100))
            assert await lost(subscription) == LaneLost(old[0].lane, planned=False)
            new = await take(subscription, 7)
            assert numbers(new) == list(range(100, 107))
            assert new[0].lane != old[0].lane
            subscription.settle(old[6])  # is not the new event of that position
            subscription.settle(new[0])
            await soon(subscription.commit())
            [place] = await places(queue, "g")
            assert (place.lane, place.settled_to, place.beyond, place.lag) == (new[0].lane, 1, 0, 6)
    assert warnings == ["group g: the stream was deleted and made anew; it goes on after event 0"]


async def test_a_stream_that_is_gone_is_said(broker: Broker) -> None:
    config = settings(broker, create=False)
    async with by_hand(broker) as client:
        await client.jetstream().add_stream(name=config.stream, subjects=[f"{config.stream}.*"])
        async with open_queue(config, (), pytest.fail) as queue, queue.subscribe("g", "earliest") as subscription:
            assert await stays_silent(subscription)
            await client.jetstream().delete_stream(config.stream)
            with pytest.raises(QueueUnavailable, match=f"there is no stream {config.stream}"):
                await soon(subscription.receive(1))
            with pytest.raises(QueueUnavailable, match=f"there is no stream {config.stream}"):
                await queue.check()


async def test_a_consumer_that_somebody_deleted_is_made_anew(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
        js = client.jetstream()
        async with queue.subscribe("g", "earliest") as subscription:
            await queue.publish(events(3))
            assert numbers(await take(subscription, 3)) == [0, 1, 2]
            [consumer] = await js.consumers_info(config.stream)
            await js.delete_consumer(config.stream, consumer.name)
            await queue.publish(events(3, begin=3))
            assert numbers(await take(subscription, 3)) == [3, 4, 5]
        assert await js.consumers_info(config.stream) == []  # leaving cleans up


async def test_a_bucket_that_is_gone_does_not_take_a_reader_back(broker: Broker) -> None:
    config = settings(broker, lease=1)
    async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
        await queue.publish(events(10))
        async with queue.subscribe("g", "latest") as subscription:
            await queue.publish(events(4, begin=10))
            for message in (await take(subscription, 4))[:2]:
                subscription.settle(message)
            await soon(subscription.commit())
            await client.jetstream().delete_key_value(f"{config.stream}-positions")
            with pytest.raises(QueueUnavailable, match="there is no bucket"):
                await soon(receive_for_ever(subscription))
            await client.jetstream().create_key_value(bucket=f"{config.stream}-positions")
            await lost(subscription)
            again = await persisting(lambda: subscription.receive(10))
            assert numbers(again.messages) == [12, 13]


async def receive_for_ever(subscription: Subscription) -> None:
    while True:
        await subscription.receive(1)


async def test_other_consumers_of_the_stream_are_none_of_our_business(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), pytest.fail) as queue, by_hand(broker) as client:
        await client.jetstream().add_consumer(config.stream, ConsumerConfig(durable_name="theirs"))
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await batch(subscription)) == [0, 1, 2]
        assert [place.group for place in await queue.positions()] == ["g"]


async def test_a_group_read_by_another_process_is_neither_moved_nor_dropped(broker: Broker) -> None:
    config = settings(broker)
    async with open_queue(config, (), pytest.fail) as queue, open_queue(config, (), pytest.fail) as other:
        async with queue.subscribe("g", "earliest"):
            with pytest.raises(GroupInUse):
                await other.seek("g", "earliest")
            with pytest.raises(GroupInUse):
                await other.drop("g")
            assert [place.reader for place in await other.positions()] == [True]
        await other.seek("g", 1)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is POSIX")
async def test_an_answer_that_came_while_the_loop_stood_still_counts(broker: Broker) -> None:
    link = Link(NatsSettings.model_validate({"kind": "nats", "url": broker.url}))
    try:
        await link.api("INFO")
        answer = await answered_meanwhile(broker.pid, link.request("$JS.API.INFO", timeout=SECONDS))
        assert b"account_info_response" in answer.data
    finally:
        await link.close()
