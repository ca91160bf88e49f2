"""The log with lanes that are taken away: the contract, and what losing a lane means."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from contract import ContractOfOneOpening, batch, events, number_of, soon, stays_silent, take
from fake_log import FakeLog

from exporter.queues.port import LaneLost, Outgoing, Queue, QueueUnavailable


@pytest.fixture
def queue() -> Queue:
    return FakeLog(lanes=4)


class TestFakeLog(ContractOfOneOpening):
    """The contract, but that it ends with its one opening: it is made for the length of a test."""


def events_in(log: FakeLog, lane: str, count: int) -> list[Outgoing]:
    keys = [f"p{number}" for number in range(100) if log.lane_of(f"p{number}") == lane]
    return [Outgoing(keys[number % len(keys)], f"x:{number}".encode()) for number in range(count)]


async def test_events_are_in_several_lanes_with_gaps() -> None:
    log = FakeLog(lanes=4)
    await log.publish(events(100, profiles=30))
    async with log.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 100)
    assert {message.lane for message in taken} == set(log.lanes)
    mine = [message.position for message in taken if message.lane == taken[0].lane]
    assert {after - before for before, after in itertools.pairwise(mine)} > {1}


async def test_a_planned_loss_lets_what_is_in_flight_finish_and_commits_it() -> None:
    log = FakeLog(lanes=2)
    log.commit_seconds = 1000.0
    await log.publish(events_in(log, "0", 3))
    async with log.subscribe("g", "earliest") as subscription:
        first, second, third = await take(subscription, 3)
        subscription.settle(first)
        log.take("g", "0", planned=True)
        assert await soon(subscription.receive(10)) == LaneLost("0", planned=True)
        subscription.settle(second)
        assert log.commits == []
        assert await stays_silent(subscription)  # this call completes the loss
        assert [(commit.lane, commit.settled_to) for commit in log.commits] == [("0", second.position)]
        subscription.settle(third)  # too late, and harmless
        await log.publish(events_in(log, "0", 1))
        assert await stays_silent(subscription)
        log.give("g", "0")
        again, _ = await take(subscription, 2)
        assert again.position == third.position
    assert log.commits[-1].settled_to == second.position


async def test_an_unplanned_loss_takes_what_was_not_committed() -> None:
    log = FakeLog(lanes=2)
    log.commit_seconds = 1000.0
    await log.publish(events_in(log, "1", 3))
    async with log.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 3)
        subscription.settle(taken[0])
        await subscription.commit()
        subscription.settle(taken[1])
        log.take("g", "1", planned=False)
        subscription.settle(taken[2])
        assert await soon(subscription.receive(10)) == LaneLost("1", planned=False)
        assert [commit.settled_to for commit in log.commits] == [taken[0].position]
        log.give("g", "1")
        assert [number_of(message) for message in await take(subscription, 2)] == [1, 2]


async def test_a_loss_interrupts_an_idle_receive() -> None:
    log = FakeLog(lanes=2)
    async with log.subscribe("g", "earliest") as subscription:
        receiving = asyncio.ensure_future(subscription.receive(10))
        await asyncio.sleep(0.05)
        log.take("g", "0", planned=False)
        assert await soon(receiving) == LaneLost("0", planned=False)
        await log.publish(events_in(log, "1", 1))
        assert {message.lane for message in await batch(subscription)} == {"1"}


async def test_a_broken_log_says_so_and_forgets_nothing() -> None:
    log = FakeLog()
    await log.publish(events(4))
    async with log.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, 2)
        subscription.settle(taken[0])
        log.broken = "gone"
        with pytest.raises(QueueUnavailable, match="gone"):
            await subscription.receive(1)
        with pytest.raises(QueueUnavailable, match="gone"):
            await subscription.commit()
        subscription.settle(taken[1])
        log.broken = None
        await subscription.commit()
        assert log.commits[-1].settled_to == taken[1].position
        assert len(await take(subscription, 2)) == 2
