"""What every kind of queue must do.

A kind's test module subclasses ``Contract`` and has a fixture ``opening``; the fixture ``queue`` opens that once
(``tests/queues/conftest.py``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar
from uuid import uuid4

import pytest

from exporter.messages.message import Message
from exporter.queues.port import (
    MAX_NUMBER,
    Batch,
    GroupInUse,
    Numbered,
    Outgoing,
    Position,
    Queue,
    QueueUnavailable,
    SeekResult,
    Start,
    Subscription,
)

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
#: Beyond what the brokers of the tests take, but for Redis.
LARGE_BYTES = 9 * 1024**2


class Opening(Protocol):
    """Opens the queue of a test, each time the same one, with nothing in common but what another process has, too."""

    def __call__(self, badge: str = "") -> AbstractAsyncContextManager[Queue]: ...


async def soon(awaitable: Awaitable[T]) -> T:
    """``awaitable``, but a test that hangs ends."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await awaitable


def events(count: int, profiles: int = 1, begin: int = 0) -> list[Outgoing]:
    """Events ``<profile>:<number>``, numbered through, of so many profiles in turn."""
    return [
        Outgoing(f"p{number % profiles}", f"p{number % profiles}:{number}".encode())
        for number in range(begin, begin + count)
    ]


def from_number(first: int, producer: str = "outbox") -> Numbered:
    """What a call publishes that begins with this number, and was not published before this test."""
    return Numbered(producer, first, time.time() - PATIENCE_SECONDS)


def each_once_in_order(bodies: Sequence[bytes], numbers_of: Sequence[int], profiles: int) -> bool:
    """Whether ``bodies`` are the ``events`` of these numbers, each once, and in order within each profile."""
    wanted = {
        f"p{profile}": [number for number in numbers_of if number % profiles == profile] for profile in range(profiles)
    }
    seen: dict[str, list[int]] = {profile: [] for profile in wanted}
    for body in bodies:
        profile, number = body.decode().split(":")
        seen[profile].append(int(number))
    return seen == wanted


def number_of(message: Message) -> int:
    return int(message.body.split(b":")[1])


def numbers(messages: Sequence[Message]) -> list[int]:
    return [number_of(message) for message in messages]


async def batch(subscription: Subscription, limit: int = 1000) -> Sequence[Message]:
    got = await soon(subscription.receive(limit))
    assert isinstance(got, Batch)
    assert 1 <= len(got.messages) <= limit
    return got.messages


async def take(subscription: Subscription, count: int, limit: int = 1000) -> list[Message]:
    """Receive exactly so many messages."""
    taken: list[Message] = []
    while len(taken) < count:
        taken.extend(await batch(subscription, min(limit, count - len(taken))))
    return taken


async def sought(queue: Queue, target: int | Start, lane: str) -> SeekResult:
    """What moving the group ``g`` came to in one lane."""
    [found] = [each for each in await queue.seek("g", target) if each.lane == lane]
    return found


async def all_of(queue: Queue, count: int) -> list[bytes]:
    """What stands on the queue, which is so many events and no more, in order within each profile."""
    async with queue.subscribe(uuid4().hex, "earliest") as subscription:
        bodies = [message.body for message in await take(subscription, count)]
        assert await stays_silent(subscription)
    return bodies


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def stays_silent(subscription: Subscription) -> bool:
    """Whether ``receive`` waits; what it might have taken is not lost, since it is cancelled."""
    receiving = asyncio.ensure_future(subscription.receive(10))
    await asyncio.sleep(0.2)
    silent = not receiving.done()
    receiving.cancel()
    await asyncio.wait([receiving])
    return silent


async def places(queue: Queue, group: str) -> list[Position]:
    return [position for position in await queue.positions() if position.group == group]


async def settled_lag(queue: Queue, group: str) -> int:
    return sum(position.lag or 0 for position in await places(queue, group))


async def seeks_to_what_is_gone(queue: Queue, published: Sequence[Message], kept: int) -> None:
    """Of ten ``published`` all below index ``kept`` was deleted; ``g`` is moved there, and to where the rest begins."""
    lane, first = published[0].lane, published[kept].position
    for gone in (published[0].position, published[kept - 1].position):
        assert await sought(queue, gone, lane) == SeekResult(lane, first, "gone")
        assert await settled_lag(queue, "g") == 10 - kept
    assert await sought(queue, first, lane) == SeekResult(lane, first)
    async with queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 10 - kept)
        assert numbers(taken) == list(range(kept, 10))
        for message in taken:
            subscription.settle(message)
        await soon(subscription.commit())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while subscription.lag().messages:  # noqa: ASYNC110 - known after a look
                await asyncio.sleep(0.02)
    assert await settled_lag(queue, "g") == 0
    # Of an idle group, wherever it is moved: what it lags behind is what it will read, and goes to nothing again.
    await queue.seek("g", published[9].position + 10**6)
    assert await settled_lag(queue, "g") == 0
    async with queue.subscribe("g", "earliest") as subscription:
        assert await stays_silent(subscription)
        assert subscription.lag().messages == 0


class ContractOfOneOpening:
    """What can be held by a queue that ends when it is closed: by one in memory, and by fakes."""

    async def test_a_profile_is_received_in_the_order_it_was_published(self, queue: Queue) -> None:
        for begin in range(0, 300, 30):
            await queue.publish(events(30, profiles=20, begin=begin))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 300, limit=7)
        seen: dict[bytes, list[int]] = {}
        lanes: dict[bytes, set[str]] = {}
        for message in taken:
            profile = message.body.split(b":")[0]
            seen.setdefault(profile, []).append(number_of(message))
            lanes.setdefault(profile, set()).add(message.lane)
        assert len(seen) == 20
        assert all(mine == sorted(mine) and len(mine) == 15 for mine in seen.values())
        assert all(len(mine) == 1 for mine in lanes.values())

    async def test_an_empty_body_comes_as_it_is_and_is_no_fault(self, queue: Queue) -> None:
        """What a tombstone looks like; whoever reads it decides what it means."""
        await queue.publish([Outgoing("p", b"p:0"), Outgoing("p", b""), Outgoing("p", b"p:2")])
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 3)
            assert [message.body for message in taken] == [b"p:0", b"", b"p:2"]
            assert [message.fault for message in taken] == [None] * 3
            for message in taken:
                subscription.settle(message)
            await soon(subscription.commit())
        assert await settled_lag(queue, "g") == 0

    async def test_an_event_of_the_most_bytes_is_taken(self, queue: Queue) -> None:
        """Where the queue takes more than that, a large one is."""
        most = await soon(queue.max_event_bytes("outbox"))
        size = LARGE_BYTES if most is None else min(most, LARGE_BYTES)
        assert size > 1024
        await soon(queue.publish([Outgoing("p" * 64, b"x" * size)], from_number(MAX_NUMBER)))
        async with queue.subscribe("g", "earliest") as subscription:
            assert [len(message.body) for message in await take(subscription, 1)] == [size]

    async def test_positions_grow_within_a_lane(self, queue: Queue) -> None:
        await queue.publish(events(100, profiles=20))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 100, limit=9)
        for lane in {message.lane for message in taken}:
            mine = [message.position for message in taken if message.lane == lane]
            assert mine == sorted(set(mine))

    async def test_nothing_past_a_hole_is_committed_and_a_restart_hands_out_only_the_holes(self, queue: Queue) -> None:
        await queue.publish(events(10))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 10)
            for message in taken:
                if number_of(message) not in (3, 7):
                    subscription.settle(message)
            await soon(subscription.commit())
            [place] = [place for place in await places(queue, "g") if place.lane == taken[0].lane]
            assert place.settled_to == taken[2].position
            assert place.beyond == 5
            assert place.lag == 2
            assert place.end in (None, taken[9].position)
        await queue.publish(events(2, begin=10))
        async with queue.subscribe("g", "earliest") as subscription:
            again = await take(subscription, 4, limit=1)
            assert numbers(again) == [3, 7, 10, 11]
            assert [message.position for message in again[:2]] == [taken[3].position, taken[7].position]
            assert await stays_silent(subscription)
            subscription.settle(again[0])
            await soon(subscription.commit())
            [place] = [place for place in await places(queue, "g") if place.lane == taken[0].lane]
            assert place.settled_to == taken[6].position

    async def test_what_is_settled_becomes_durable_without_being_asked(self, queue: Queue) -> None:
        await queue.publish(events(20, profiles=5))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 20):
                subscription.settle(message)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await settled_lag(queue, "g"):  # noqa: ASYNC110 - only asking again shows it
                    await asyncio.sleep(0.01)

    async def test_it_is_durable_when_commit_returns(self, queue: Queue) -> None:
        await queue.publish(events(20, profiles=5))
        async with queue.subscribe("g", "earliest") as subscription:
            for count, message in enumerate(await take(subscription, 20), 1):
                subscription.settle(message)
                await soon(subscription.commit())
                assert await settled_lag(queue, "g") == 20 - count

    async def test_leaving_commits_what_was_settled(self, queue: Queue) -> None:
        await queue.publish(events(5))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in (await take(subscription, 5))[:3]:
                subscription.settle(message)
        assert await settled_lag(queue, "g") == 2

    async def test_what_was_not_settled_comes_again_after_a_restart(self, queue: Queue) -> None:
        await queue.publish(events(30, profiles=7))
        async with queue.subscribe("g", "earliest") as subscription:
            first = await take(subscription, 30)
        async with queue.subscribe("g", "earliest") as subscription:
            second = await take(subscription, 30)
        assert {(message.lane, message.position, message.body) for message in first} == {
            (message.lane, message.position, message.body) for message in second
        }

    async def test_the_only_reader_reads_every_lane_and_what_is_of_no_lane_of_this_queue(self, queue: Queue) -> None:
        await queue.publish(events(20, profiles=20))
        async with queue.subscribe("g", "earliest") as subscription:
            taken = await take(subscription, 20)
            assert all(subscription.reads(message.lane) and subscription.knows(message.lane) for message in taken)
            assert subscription.reads(None)

    async def test_who_shows_no_badge_is_not_seen(self, queue: Queue) -> None:
        assert queue.silence_seconds >= 0
        assert list(await queue.badges("g")) == []
        async with queue.subscribe("g", "earliest"):
            assert list(await queue.badges("g")) == []

    async def test_groups_are_independent(self, queue: Queue) -> None:
        await queue.publish(events(10))
        async with queue.subscribe("a", "earliest") as a, queue.subscribe("b", "earliest") as b:
            assert numbers(await take(a, 10)) == list(range(10))
            taken = await take(b, 10, limit=3)
            assert numbers(taken) == list(range(10))
            for message in taken:
                b.settle(message)
            await soon(b.commit())
        assert await settled_lag(queue, "a") == 10
        assert await settled_lag(queue, "b") == 0
        async with queue.subscribe("a", "earliest") as a:
            assert numbers(await take(a, 10)) == list(range(10))

    async def test_a_cancelled_receive_loses_nothing(self, queue: Queue) -> None:
        taken: list[Message] = []
        async with queue.subscribe("g", "earliest") as subscription:
            for attempt in range(150):
                receiving = asyncio.ensure_future(subscription.receive(3))
                if attempt < 100:
                    await queue.publish(events(2, profiles=5, begin=2 * attempt))
                await turns(attempt % 7)
                receiving.cancel()
                await asyncio.wait([receiving])
                if not receiving.cancelled():
                    got = receiving.result()
                    assert isinstance(got, Batch)
                    taken.extend(got.messages)
            taken.extend(await take(subscription, 200 - len(taken)))
            assert await stays_silent(subscription)
        assert sorted(numbers(taken)) == list(range(200))
        for profile in range(5):
            mine = [number for number in numbers(taken) if number % 5 == profile]
            assert mine == sorted(mine)

    async def test_a_source_that_always_has_something_lets_others_run(self, queue: Queue) -> None:
        await queue.publish(events(200, profiles=5))
        ran = 0

        async def other() -> None:
            nonlocal ran
            while True:
                ran += 1
                await asyncio.sleep(0)

        async with queue.subscribe("g", "earliest") as subscription, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(other())
            for calls in range(1, 201):
                await subscription.receive(1)
                assert ran >= calls - 1  # the first call may return before the other task has begun
            running.cancel()

    async def test_an_idle_source_waits_and_wakes(self, queue: Queue) -> None:
        async with queue.subscribe("g", "earliest") as subscription:
            assert await stays_silent(subscription)
            receiving = asyncio.ensure_future(subscription.receive(10))
            await asyncio.sleep(0.05)
            assert not receiving.done()
            await queue.publish(events(1))
            got = await soon(receiving)
            assert isinstance(got, Batch)
            assert numbers(got.messages) == [0]

    async def test_a_second_subscriber_waits_as_standby_and_takes_over(self, queue: Queue) -> None:
        await self.takes_over(queue, queue)

    async def takes_over(self, queue: Queue, another: Queue) -> None:
        """The group ``g`` of ``queue`` is read; a second reader, of ``another``, waits until the first is gone."""
        await queue.publish(events(6))
        entered = asyncio.Event()
        received: list[int] = []

        async def standby() -> None:
            async with another.subscribe("g", "earliest") as subscription:
                entered.set()
                received.extend(numbers(await take(subscription, 2)))

        async with asyncio.TaskGroup() as tasks:
            async with queue.subscribe("g", "earliest") as subscription:
                tasks.create_task(standby())
                for message in (await take(subscription, 6))[:4]:
                    subscription.settle(message)
                await asyncio.sleep(0.6)
                assert not entered.is_set()
            await soon(entered.wait())
        assert received == [4, 5]

    async def test_a_standby_that_gives_up_blocks_nobody(self, queue: Queue) -> None:
        async with queue.subscribe("g", "earliest"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), queue.subscribe("g", "earliest"):
                    pass
        async with asyncio.timeout(PATIENCE_SECONDS), queue.subscribe("g", "earliest"):
            pass

    async def test_the_error_of_a_reader_comes_through_and_frees_its_group(self, queue: Queue) -> None:
        with pytest.raises(ZeroDivisionError):
            async with queue.subscribe("g", "earliest"):
                raise ZeroDivisionError
        async with asyncio.timeout(PATIENCE_SECONDS), queue.subscribe("g", "earliest"):
            pass

    async def test_a_new_group_begins_where_it_says(self, queue: Queue) -> None:
        await queue.publish(events(3))
        async with queue.subscribe("old", "earliest") as old, queue.subscribe("new", "latest") as new:
            await queue.publish(events(2, begin=3))
            assert numbers(await take(old, 5)) == [0, 1, 2, 3, 4]
            assert numbers(await take(new, 2)) == [3, 4]
        async with queue.subscribe("new", "latest") as new:  # it is not new any more
            assert numbers(await take(new, 2)) == [3, 4]

    async def test_settling_twice_is_harmless(self, queue: Queue) -> None:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            first, second, third = await take(subscription, 3)
            for message in (second, second, first, first, second):
                subscription.settle(message)
            await soon(subscription.commit())
            subscription.settle(first)
            await soon(subscription.commit())
            [place] = [place for place in await places(queue, "g") if place.lane == first.lane]
            assert (place.settled_to, place.beyond) == (second.position, 0)
            assert third.position > second.position

    async def test_a_limit_of_nothing_waits_for_a_lost_lane_alone(self, queue: Queue) -> None:
        """What a dataflow calls while its window is full: it takes nothing, and lets others have their turn."""
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            [first] = await take(subscription, 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await subscription.receive(0)
            rest = await take(subscription, 2)

            assert len({first.position, *(message.position for message in rest)}) == 3

    async def test_settling_what_was_never_handed_out_is_a_bug(self, queue: Queue) -> None:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            [message] = await take(subscription, 1)
            with pytest.raises(ValueError, match="never received"):
                subscription.settle(Message(message.lane, message.position + 1000, b"", 0.0))

    async def test_seek_moves_a_group_that_nobody_reads(self, queue: Queue) -> None:
        await queue.publish(events(5))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 5):
                subscription.settle(message)
        await queue.seek("g", "earliest")
        async with queue.subscribe("g", "latest") as subscription:
            taken = await take(subscription, 5)
            assert numbers(taken) == list(range(5))
        lane = taken[0].lane
        begun = await sought(queue, "earliest", lane)
        assert (begun.next <= taken[0].position, begun.clipped) == (True, "")
        assert await sought(queue, taken[3].position, lane) == SeekResult(lane, taken[3].position)
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 2)) == [3, 4]
        ended = await sought(queue, "latest", lane)
        assert (ended.next > taken[4].position, ended.clipped) == (True, "")
        async with queue.subscribe("g", "earliest") as subscription:
            assert await stays_silent(subscription)

    async def test_seek_beyond_the_end_stops_at_the_end_and_says_so(self, queue: Queue) -> None:
        await queue.publish(events(2))
        async with queue.subscribe("g", "earliest") as subscription:
            last = (await take(subscription, 2))[-1]
        assert (await sought(queue, last.position + 1, last.lane)).clipped == ""
        beyond = await sought(queue, last.position + 10**9, last.lane)
        assert (beyond.next, beyond.clipped) == (last.position + 1, "beyond_end")
        async with queue.subscribe("g", "earliest") as subscription:
            assert subscription.lag().messages == 0
            await queue.publish(events(1, begin=2))
            assert numbers(await take(subscription, 1)) == [2]

    async def test_a_dropped_group_begins_anew(self, queue: Queue) -> None:
        await queue.publish(events(3))
        async with queue.subscribe("g", "earliest") as subscription:
            for message in await take(subscription, 3):
                subscription.settle(message)
        await queue.drop("g")
        assert await places(queue, "g") == []
        async with queue.subscribe("g", "earliest") as subscription:
            assert numbers(await take(subscription, 3)) == [0, 1, 2]

    async def test_a_group_that_is_read_is_neither_moved_nor_dropped(self, queue: Queue) -> None:
        async with queue.subscribe("g", "earliest"):
            with pytest.raises(GroupInUse):
                await queue.seek("g", "earliest")
            with pytest.raises(GroupInUse):
                await queue.drop("g")
            assert all(place.reader for place in await places(queue, "g"))
        assert not any(place.reader for place in await places(queue, "g"))

    async def test_an_unknown_group_is_neither_moved_nor_dropped(self, queue: Queue) -> None:
        with pytest.raises(KeyError):
            await queue.seek("nobody", "earliest")
        with pytest.raises(KeyError):
            await queue.drop("nobody")
        assert await queue.positions() == []

    async def test_lag_counts_what_is_unread_or_unsettled(self, queue: Queue) -> None:
        async with queue.subscribe("g", "earliest") as subscription:
            assert subscription.lag().messages == 0
            await queue.publish(events(5))
            assert subscription.lag().messages == 5
            taken = await take(subscription, 3)
            assert subscription.lag().messages == 5
            subscription.settle(taken[1])
            assert subscription.lag().messages == 4
            subscription.settle(taken[1])
            assert subscription.lag().messages == 4

    async def test_a_queue_that_works_passes_its_check(self, queue: Queue) -> None:
        try:
            await queue.check()
        except QueueUnavailable as error:  # pragma: no cover
            pytest.fail(str(error))

    async def test_numbers_that_were_published_are_left_out(self, queue: Queue) -> None:
        left_out = [await queue.publish(events(20, profiles=7), from_number(1)) for _ in range(3)]
        left_out.append(await queue.publish(events(5, profiles=7, begin=3), from_number(4)))
        assert left_out == [0, 20, 20, 5]
        assert each_once_in_order(await all_of(queue, 20), range(20), profiles=7)

    async def test_of_a_batch_that_is_half_published_only_the_rest_is_added(self, queue: Queue) -> None:
        assert await queue.publish(events(20, profiles=7), from_number(1)) == 0
        assert await queue.publish(events(30, profiles=7, begin=10), from_number(11)) == 10
        assert await queue.publish(events(10, profiles=7, begin=40), from_number(41)) == 0
        assert each_once_in_order(await all_of(queue, 50), range(50), profiles=7)

    async def test_every_producer_has_numbers_of_its_own(self, queue: Queue) -> None:
        await queue.publish(events(10), from_number(1, "a"))
        await queue.publish(events(10, begin=10), from_number(1, "b"))
        assert await queue.publish(events(10), from_number(1, "a")) == 10
        assert each_once_in_order(await all_of(queue, 20), range(20), profiles=1)

    async def test_the_numbers_of_a_producer_may_have_gaps(self, queue: Queue) -> None:
        """As where two number in turn, each under a name of its own."""
        for begin, producer in ((0, "a"), (10, "b"), (20, "a"), (30, "b")):
            assert await queue.publish(events(10, begin=begin), from_number(begin + 1, producer)) == 0
        for begin, producer in ((20, "a"), (30, "b")):
            assert await queue.publish(events(10, begin=begin), from_number(begin + 1, producer)) == 10
        assert each_once_in_order(await all_of(queue, 40), range(40), profiles=1)

    async def test_messages_without_numbers_stand_beside(self, queue: Queue) -> None:
        await queue.publish(events(5))
        await queue.publish(events(5, begin=5), from_number(1))
        await queue.publish(events(5, begin=10))
        await queue.publish(events(10, begin=5), from_number(1))
        assert sorted(int(body.split(b":")[1]) for body in await all_of(queue, 20)) == sorted(
            [*range(15), *range(10, 15)]
        )

    async def test_numbered_messages_wake_a_reader_and_count_as_lag(self, queue: Queue) -> None:
        async with queue.subscribe("g", "earliest") as subscription:
            receiving = asyncio.ensure_future(subscription.receive(10))
            await asyncio.sleep(0.05)
            await queue.publish(events(1), from_number(1))
            got = await soon(receiving)
            assert isinstance(got, Batch)
            subscription.settle(got.messages[0])
            await queue.publish(events(5), from_number(1))
            assert subscription.lag().messages == 4

    async def test_what_is_no_producer_and_no_number_is_a_bug(self) -> None:
        for producer, first in (("", 1), ("two words", 1), ("línea", 1), ("outbox", 0), ("outbox", 2**53)):
            with pytest.raises(ValueError, match="neither"):
                from_number(first, producer)

    async def test_publishing_nothing_is_nothing(self, queue: Queue) -> None:
        await queue.publish([])
        await queue.publish([], from_number(5))
        await queue.publish([], from_number(1))
        async with queue.subscribe("g", "earliest") as subscription:
            assert await stays_silent(subscription)


class Contract(ContractOfOneOpening):
    """The contract of a queue that outlives its openings. Subclass it as ``Test…`` in a module with ``opening``."""

    async def test_what_was_published_is_there_after_reopening(self, opening: Opening) -> None:
        async with opening() as queue:
            await queue.publish(events(20, profiles=7))
            name = queue.name
            async with queue.subscribe("g", "earliest") as subscription:
                before = await take(subscription, 20)
        async with opening() as queue, queue.subscribe("g", "earliest") as subscription:
            assert queue.name == name
            after = await take(subscription, 20)
        assert {(message.lane, message.position, message.body) for message in before} == {
            (message.lane, message.position, message.body) for message in after
        }

    async def test_numbers_are_known_after_reopening(self, opening: Opening) -> None:
        """The second opening has half of its first call, and the third numbers beyond its first call."""
        async with opening() as queue:
            await queue.publish(events(3, begin=100))  # what others have published before
            await queue.publish(events(20, profiles=7), from_number(1))
            await queue.publish(events(20, profiles=7), from_number(1, "another"))
        async with opening() as queue:
            await queue.publish(events(3, begin=100))
            assert await queue.publish(events(30, profiles=7, begin=10), from_number(11)) == 10
        async with opening() as queue:
            left_out = [
                await queue.publish(events(5, profiles=7, begin=begin), from_number(begin + 1))
                for begin in (20, 25, 38, 42)
            ]
            assert left_out == [5, 5, 2, 1]
            bodies = await all_of(queue, 6 + 20 + 47)
        live = [body for body in bodies if int(body.split(b":")[1]) < 100]
        for number in range(20):  # of the other producer, with the same bodies
            live.remove(f"p{number % 7}:{number}".encode())
        assert sorted(int(body.split(b":")[1]) for body in live) == list(range(47))

    async def test_what_was_committed_stays_settled_after_reopening(self, opening: Opening) -> None:
        async with opening() as queue:
            await queue.publish(events(10))
            async with queue.subscribe("g", "earliest") as subscription:
                for message in await take(subscription, 10):
                    if number_of(message) not in (3, 7):
                        subscription.settle(message)
                await soon(subscription.commit())
            before = [(place.lane, place.settled_to, place.beyond, place.lag) for place in await places(queue, "g")]
        async with opening() as queue:
            assert before == [(at.lane, at.settled_to, at.beyond, at.lag) for at in await places(queue, "g")]
            await queue.publish(events(1, begin=10))
            async with queue.subscribe("g", "earliest") as subscription:
                assert numbers(await take(subscription, 3, limit=1)) == [3, 7, 10]
                assert await stays_silent(subscription)

    async def test_another_opening_sees_at_once_what_is_durable(self, opening: Opening) -> None:
        """Which is all that a crash leaves: here nobody has left or closed anything."""
        async with opening() as queue, opening() as another:
            await queue.publish(events(5))
            async with queue.subscribe("g", "earliest") as subscription:
                for message in (await take(subscription, 5))[:3]:
                    subscription.settle(message)
                await soon(subscription.commit())
                assert await settled_lag(another, "g") == 2
                async with another.subscribe("h", "earliest") as other:
                    assert numbers(await take(other, 5)) == [0, 1, 2, 3, 4]

    async def test_an_idle_source_wakes_when_another_opening_publishes(self, opening: Opening) -> None:
        async with opening() as queue, opening() as another, queue.subscribe("g", "earliest") as subscription:
            for number in range(6):
                receiving = asyncio.ensure_future(subscription.receive(10))
                await asyncio.sleep(0.05)
                assert not receiving.done()
                await (another if number % 2 == 0 else queue).publish(events(1, begin=number))
                got = await soon(receiving)
                assert isinstance(got, Batch)
                assert numbers(got.messages) == [number]

    async def test_a_reader_of_another_opening_waits_as_standby_and_takes_over(self, opening: Opening) -> None:
        async with opening() as queue, opening() as another:
            await self.takes_over(queue, another)

    async def test_a_group_that_another_opening_reads_is_neither_moved_nor_dropped(self, opening: Opening) -> None:
        async with opening() as queue, opening() as another:
            async with queue.subscribe("g", "earliest"):
                with pytest.raises(GroupInUse):
                    await another.seek("g", "earliest")
                with pytest.raises(GroupInUse):
                    await another.drop("g")
                assert all(place.reader for place in await places(another, "g"))
            assert not any(place.reader for place in await places(another, "g"))
            await another.drop("g")
            assert await places(queue, "g") == []

    async def test_of_a_reader_and_its_standby_the_reader_is_seen(self, opening: Opening) -> None:
        async with opening("one") as one, opening("two") as two:
            assert list(await two.badges("g")) == []
            async with one.subscribe("g", "earliest"):
                assert list(await two.badges("g")) == ["one"]
                assert list(await one.badges("g")) == ["one"], "we see ourselves"
                assert list(await two.badges("h")) == []

                async def read_second() -> None:
                    async with two.subscribe("g", "earliest"):
                        entered.set()
                        await done.wait()

                entered, done = asyncio.Event(), asyncio.Event()
                standby = asyncio.ensure_future(read_second())
                await asyncio.sleep(1)
                assert list(await one.badges("g")) == ["one"]
            await soon(entered.wait())
            assert list(await one.badges("g")) == ["two"]
            done.set()
            await soon(standby)
            assert list(await one.badges("g")) == []
