"""The queue on a real Redis: the contract, and what only a Redis stream promises."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest
from contract import (
    Contract,
    Opening,
    events,
    number_of,
    numbers,
    places,
    seeks_to_what_is_gone,
    settled_lag,
    soon,
    stays_silent,
    take,
)
from redis_server import RedisServer, needs_redis, running
from sweeps import Sweeps

from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.queues.kinds import open_queue
from exporter.queues.port import (
    Batch,
    EventTooLarge,
    GroupInUse,
    LaneLost,
    Outgoing,
    Queue,
    QueueFull,
    QueueUnavailable,
    Subscription,
)
from exporter.queues.redis_streams.settings import RedisSettings

pytestmark = needs_redis

STREAM = "profile-changes"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One that many tests use, each with an empty database."""
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(shared: RedisServer) -> RedisServer:
    shared.cli("FLUSHALL")
    return shared


def settings(server: RedisServer, **more: object) -> RedisSettings:
    return RedisSettings.model_validate({"kind": "redis", "url": server.url, **more})


@pytest.fixture
def opening(redis: RedisServer) -> Opening:
    return partial(open_queue, settings(redis), (), pytest.fail)


class TestRedis(Contract):
    """The contract."""


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await check():  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.05)


async def until_said(warnings: list[str], words: str) -> None:
    async def said() -> bool:
        return any(words in warning for warning in warnings)

    await until(said)


# -- what is too large


async def test_an_event_that_redis_does_not_take_is_refused_alone(redis: RedisServer, queue: Queue) -> None:
    """Redis hangs up on whoever sends it, so it is never sent."""
    redis.cli("CONFIG", "SET", "proto-max-bulk-len", str(2 * 1024**2))
    try:
        large = Outgoing("p0", b"x" * (2 * 1024**2 + 1))
        with pytest.raises(EventTooLarge, match="proto-max-bulk-len") as refused:
            await queue.publish([large, *events(1500), large, *events(2, begin=1500)])
        assert refused.value.indexes == [0, 1501]
        await queue.publish([Outgoing("p0", b"p0:1502:" + b" " * 1_500_000)])
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 1503)) == list(range(1503))
    finally:
        redis.cli("CONFIG", "SET", "proto-max-bulk-len", str(512 * 1024**2))


async def test_who_may_not_ask_how_large_an_event_may_be_can_publish_large_ones(redis: RedisServer) -> None:
    redis.cli("ACL", "SETUSER", "sender", "on", ">sender", "~*", "+@all", "-config")
    try:
        as_sender = settings(redis, username="sender", password="sender")
        async with open_queue(as_sender, (), pytest.fail) as queue, queue.subscribe("g", "earliest") as subscription:
            await queue.publish([Outgoing("p0", b"p0:0:" + b" " * 3_000_000)])
            assert numbers(await take(subscription, 1)) == [0]
    finally:
        redis.cli("ACL", "DELUSER", "sender")


# -- entries of others


async def test_an_entry_that_redis_cli_added_is_handed_out_with_its_time(redis: RedisServer, queue: Queue) -> None:
    redis.cli("XADD", STREAM, "*", "source", "crm", "event", '{"profileId": "p"}')
    async with queue.subscribe("g", "earliest") as subscription:
        [message] = await take(subscription, 1)
        assert message.body == b'{"profileId": "p"}'
        assert abs(message.taken_at - time.time()) < 60
        assert message.lane == STREAM
        assert message.trace is None


async def test_an_entry_may_have_its_trace_beside_the_event(redis: RedisServer, queue: Queue) -> None:
    redis.cli("XADD", STREAM, "*", "tracestate", "x=1", "event", "{}", "traceparent", "00-a-b-01", "traceparent", "2nd")
    redis.cli("XADD", STREAM, "*", "event", "{}", "traceparent", "")
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 2)
    assert [message.trace for message in taken] == [Trace("00-a-b-01", "x=1"), None]


async def test_an_entry_without_the_field_is_handed_out_empty_so_that_it_becomes_a_dead_letter(
    redis: RedisServer, queue: Queue
) -> None:
    redis.cli("XADD", STREAM, "*", "something", "else", "p-1842", "event")
    async with queue.subscribe("g", "earliest") as subscription:
        [message] = await take(subscription, 1)
        assert message.body == b""
        assert message.fault == "has no field `event`, only 2 others"
        subscription.settle(message)
        await soon(subscription.commit())
    assert await settled_lag(queue, "g") == 0


async def test_ids_made_by_hand_are_read_in_order(redis: RedisServer, queue: Queue) -> None:
    for id_ in ("0-1", "0-2", "5-0", "1700000000000-0", "1700000000000-2000000", "1700000000001-1"):
        redis.cli("XADD", STREAM, id_, "event", id_)
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 6)
        assert [message.body for message in taken][:2] == [b"0-1", b"0-2"]
        positions = [message.position for message in taken]
        assert positions == sorted(set(positions))


async def test_an_id_that_is_no_time_stops_the_group_with_the_reason(redis: RedisServer, queue: Queue) -> None:
    redis.cli("XADD", STREAM, "1-1", "event", "x:0")
    redis.cli("XADD", STREAM, "1790000000000000000-0", "event", "x:1")
    async with queue.subscribe("g", "earliest") as subscription:
        with pytest.raises(QueueUnavailable, match="no time in milliseconds"):
            await soon(_received_without_end(subscription))


async def test_a_check_finds_an_id_that_the_stream_cannot_be_read_past(redis: RedisServer, queue: Queue) -> None:
    await queue.check()
    redis.cli("XADD", STREAM, "1790000000000000000-0", "event", "x:1")
    with pytest.raises(QueueUnavailable, match=r"entry 1790000000000000000-0 of stream .* cannot be read past it"):
        await queue.check()


async def _received_without_end(subscription: Subscription) -> None:
    while True:
        await subscription.receive(10)


# -- trimmed or deleted by somebody else


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_somebody_trimmed_before_it_was_read_is_reported(redis: RedisServer, restarted: bool) -> None:
    warnings: list[str] = []
    async with open_queue(settings(redis), (), warnings.append) as queue:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 3):
                subscription.settle(message)
            await soon(subscription.commit())
            if not restarted:
                redis.cli("EVAL", _ADD_AND_TRIM, "1", STREAM)
                assert numbers(await take(subscription, 2)) == [101, 102]
                await until_said(warnings, "were deleted by somebody before they were read")
        if restarted:
            redis.cli("EVAL", _ADD_AND_TRIM, "1", STREAM)
            async with queue.subscribe("g", "earliest") as subscription:
                assert numbers(await take(subscription, 2)) == [101, 102]
                await until_said(warnings, "were deleted by somebody before they were read")
        assert [warning.partition(" entries")[0] for warning in warnings] == ["group g: 5 "[:-1]]
        async with queue.subscribe("g", "earliest") as subscription:  # and it is said once
            assert numbers(await take(subscription, 2)) == [101, 102]
            assert await stays_silent(subscription)
            assert subscription.lag().messages == 2
        assert len(warnings) == 1


_ADD_AND_TRIM = """
for n = 96, 102 do redis.call('XADD', KEYS[1], '*', 'event', 'x:' .. n) end
redis.call('XTRIM', KEYS[1], 'MAXLEN', 2)
"""


async def test_what_somebody_deleted_in_the_middle_is_reported(redis: RedisServer) -> None:
    warnings: list[str] = []
    async with open_queue(settings(redis), (), warnings.append) as queue:
        async with queue.subscribe("g", "earliest"):
            pass
        ids = [redis.cli("XADD", STREAM, "*", "event", f"x:{number}") for number in range(5)]
        redis.cli("XDEL", STREAM, ids[1], ids[2])
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 3, 4]
            await until_said(warnings, "group g: 2 entries")


async def test_pending_entries_that_somebody_deleted_are_reported_and_settled(redis: RedisServer) -> None:
    warnings: list[str] = []
    async with open_queue(settings(redis), (), warnings.append) as queue:
        ids = [redis.cli("XADD", STREAM, "*", "event", f"x:{number}") for number in range(5)]
        async with queue.subscribe("g", "earliest") as subscription:
            await take(subscription, 5)
        redis.cli("XDEL", STREAM, ids[1], ids[3])
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 2, 4]
            await soon(subscription.commit())
            [place] = await places(queue, "g")
            assert place.lag == 3
        assert len(warnings) == 1
        assert f"2 entries of stream {STREAM} from {ids[1]} to {ids[3]}" in warnings[0]


async def test_a_group_that_somebody_removed_is_made_again_where_it_stood(redis: RedisServer) -> None:
    warnings: list[str] = []
    async with (
        open_queue(settings(redis), (), warnings.append) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        await queue.publish(events(6))
        taken = await take(subscription, 6)
        for message in taken[:4]:
            subscription.settle(message)
        await soon(subscription.commit())
        redis.cli("XGROUP", "DESTROY", STREAM, "g")
        await until_said(warnings, "was removed by somebody")
        await queue.publish(events(2, begin=6))
        assert numbers(await _patiently(subscription.receive, 2)) == [6, 7]
        for message in taken[4:]:
            subscription.settle(message)
        await soon(subscription.commit())
        assert await settled_lag(queue, "g") == 2


async def test_a_stream_that_somebody_deleted_is_reported_and_read_on(redis: RedisServer) -> None:
    warnings: list[str] = []
    async with (
        open_queue(settings(redis), (), warnings.append) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        await queue.publish(events(3))
        first = await take(subscription, 3)
        redis.cli("DEL", STREAM)
        await until_said(warnings, "was deleted by somebody")
        await queue.publish(events(2, begin=3))
        assert numbers(second := await _patiently(subscription.receive, 2)) == [3, 4]
        assert second[0].position > first[-1].position


async def test_a_stream_that_was_made_anew_with_smaller_ids_is_read_from_its_beginning(redis: RedisServer) -> None:
    warnings: list[str] = []
    async with (
        open_queue(settings(redis), (), warnings.append) as queue,
        queue.subscribe("g", "earliest") as subscription,
    ):
        await queue.publish(events(3))
        for message in await take(subscription, 2):
            subscription.settle(message)
        await soon(subscription.commit())
        again = "redis.call('DEL', KEYS[1]) redis.call('XADD', KEYS[1], '7-1', 'event', 'x:7')"
        redis.cli("EVAL", again, "1", STREAM)
        await until_said(warnings, "was made anew by somebody")
        got: object = None
        while not isinstance(got, LaneLost):
            with contextlib.suppress(QueueUnavailable):
                got = await soon(subscription.receive(10))
        assert numbers(await _patiently(subscription.receive, 1)) == [7]


async def _patiently(receive: Callable[[int], Awaitable[Batch | LaneLost]], count: int) -> list[Message]:
    """Receive so many, trying again as the daemon does while the queue says that it can't be used."""
    taken: list[Message] = []
    async with asyncio.timeout(30):
        while len(taken) < count:
            try:
                got = await receive(count - len(taken))
            except QueueUnavailable:
                await asyncio.sleep(0.05)
                continue
            assert isinstance(got, Batch)
            taken.extend(got.messages)
    return taken


# -- trimming


async def test_what_every_group_has_passed_is_deleted_and_nothing_else(redis: RedisServer, sweeps: Sweeps) -> None:
    async with open_queue(settings(redis), {"a", "b"}, pytest.fail) as queue:
        await queue.publish(events(1000))
        async with queue.subscribe("a", "earliest") as a:
            for message in await take(a, 1000):
                a.settle(message)
            await soon(a.commit())
            await sweeps.catch_up()
            assert redis.cli("XLEN", STREAM) == "1000"  # b is named, and nobody has read it
            async with queue.subscribe("b", "earliest") as b:
                taken = await take(b, 1000)
                for message in taken[:700]:
                    b.settle(message)
                await soon(b.commit())

                async def deleted() -> bool:
                    return int(redis.cli("XLEN", STREAM)) < 500

                await until(deleted)
                assert int(redis.cli("XLEN", STREAM)) >= 300
                [place] = await places(queue, "b")
                assert place.settled_to >= taken[699].position
                assert place.lag == 300
        async with queue.subscribe("b", "earliest") as b:
            assert numbers(await take(b, 300)) == list(range(700, 1000))


async def test_a_group_of_another_program_holds_back_until_nobody_has_read_it_for_a_week(
    redis: RedisServer, sweeps: Sweeps
) -> None:
    warnings: list[str] = []
    async with open_queue(settings(redis), {"a"}, warnings.append) as queue:
        await queue.publish(events(1000))
        redis.cli("XGROUP", "CREATE", STREAM, "others", "0")
        async with queue.subscribe("a", "earliest") as a:
            for message in await take(a, 1000):
                a.settle(message)
            await soon(a.commit())
            await sweeps.catch_up()
            assert redis.cli("XLEN", STREAM) == "1000"
            redis.cli("HSET", f"{STREAM}:exporter", "seen:others", str(int(time.time()) - 8 * 24 * 3600))
            await until_said(warnings, "group others is not in the configuration")

            async def deleted() -> bool:
                return int(redis.cli("XLEN", STREAM)) < 500

            await until(deleted)


# -- the lease


async def test_a_reader_whose_lease_went_to_somebody_else_is_told_and_takes_nothing_of_theirs(
    redis: RedisServer, queue: Queue
) -> None:
    await queue.publish(events(4))
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 4)
        lease, record = f"{STREAM}:exporter:reader:g", f"{STREAM}:exporter"
        # An entry comes at that very moment: the old reader wakes up at once, and must leave it.
        redis.cli("EVAL", _GIVEN_AWAY, "3", lease, record, STREAM)
        await asyncio.sleep(0.5)
        assert redis.cli("XPENDING", STREAM, "g").split()[0] == "4"
        assert await soon(subscription.receive(10)) == LaneLost(STREAM, planned=False)
        for message in taken:
            subscription.settle(message)  # too late: it is theirs to acknowledge
        await soon(subscription.commit())
        assert await settled_lag(queue, "g") == 5
        with pytest.raises(GroupInUse):
            await queue.seek("g", "latest")
        assert await stays_silent(subscription)
        redis.cli("DEL", lease)
        assert numbers(await take(subscription, 5)) == [0, 1, 2, 3, 4]


_GIVEN_AWAY = """
redis.call('SET', KEYS[1], 'another')
redis.call('HSET', KEYS[2], 'owner:g', 'another')
redis.call('XADD', KEYS[3], '*', 'event', 'x:4')
"""


async def test_a_lease_that_ran_out_unnoticed_by_anybody_is_taken_up_again(redis: RedisServer, queue: Queue) -> None:
    await queue.publish(events(4))
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 4)
        lease = f"{STREAM}:exporter:reader:g"
        redis.cli("DEL", lease)

        async def taken_up() -> bool:
            return redis.cli("EXISTS", lease) == "1"

        await until(taken_up)
        await queue.publish(events(1, begin=4))
        got = await soon(subscription.receive(10))
        assert isinstance(got, Batch)
        assert numbers(got.messages) == [4]
        for message in taken:
            subscription.settle(message)
        await soon(subscription.commit())
        assert await settled_lag(queue, "g") == 1


async def test_a_group_that_another_program_reads_is_not_moved(redis: RedisServer, queue: Queue) -> None:
    await queue.publish(events(1))
    redis.cli("XGROUP", "CREATE", STREAM, "others", "0")
    redis.cli("XREADGROUP", "GROUP", "others", "worker-1", "STREAMS", STREAM, ">")
    with pytest.raises(GroupInUse):
        await queue.drop("others")


# -- more


async def test_a_redis_that_is_out_of_memory_refuses_the_whole_batch(redis: RedisServer, queue: Queue) -> None:
    await queue.publish(events(2))
    redis.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(QueueFull):
            await queue.publish([Outgoing(None, b"x" * 1000)] * 20)
        with pytest.raises(QueueUnavailable, match="memory"):
            await queue.check()
    finally:
        redis.cli("CONFIG", "SET", "maxmemory", "0")
    assert redis.cli("XLEN", STREAM) == "2"


async def test_other_processes_publishing_show_in_the_lag(redis: RedisServer, queue: Queue) -> None:
    async with queue.subscribe("g", "earliest") as subscription:
        for number in range(3):
            redis.cli("XADD", STREAM, "*", "event", f"x:{number}")

        async def seen() -> bool:
            return subscription.lag().messages == 3

        await until(seen)


async def test_names_are_kept_and_differ(redis: RedisServer) -> None:
    async with open_queue(settings(redis), (), pytest.fail) as one, open_queue(settings(redis), (), pytest.fail) as two:
        assert one.name == two.name
    async with open_queue(settings(redis, stream="other"), (), pytest.fail) as other:
        assert other.name != one.name


async def test_seeking_to_what_was_trimmed_says_so(redis: RedisServer) -> None:
    async with open_queue(settings(redis), (), lambda text: None) as queue:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            published = await take(subscription, 10)
        redis.cli("XTRIM", STREAM, "MAXLEN", "6")
        await seeks_to_what_is_gone(queue, published, 4)


async def test_seeking_far_back_and_ahead_ends_at_the_ends(queue: Queue) -> None:
    await queue.publish(events(3))
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 3)
    await queue.seek("g", 0)
    async with queue.subscribe("g", "earliest") as subscription:
        assert [number_of(message) for message in await take(subscription, 3)] == [0, 1, 2]
    await queue.seek("g", taken[-1].position + 10**9)
    await queue.publish(events(1, begin=3))
    async with queue.subscribe("g", "earliest") as subscription:
        assert numbers(await take(subscription, 1)) == [3]
        assert subscription.lag().messages == 1
