"""Concurrency finds what a receiver can take and backs off from more, on virtual time."""

from __future__ import annotations

import pytest
from world import World, export, outbox

from exporter.delivery.concurrency import Concurrency
from exporter.delivery.export import Export
from exporter.delivery.verdict import Delivered, Final, MaybePassing, TooFast


def round_trips(limit: Concurrency, count: int, seconds: float, begin: float = 0.0) -> float:
    """As many answers as are allowed in each of ``count`` round trips, spread over it; returns when that is over."""
    now = begin
    for _ in range(count):
        limit.reached()
        answers = limit.limit
        for n in range(answers):
            limit.succeeded(seconds, now + (n + 1) / answers * seconds * 1.001)
        now += seconds * 1.001
    return now


def test_slow_start_doubles_each_round_trip() -> None:
    limit = Concurrency(512)
    seen = []
    now = 0.0
    for _ in range(10):
        seen.append(limit.limit)
        now = round_trips(limit, 1, 0.2, now)

    assert seen == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


def test_slow_start_ends_with_back_pressure() -> None:
    limit = Concurrency(512)
    now = round_trips(limit, 5, 0.2)
    limit.pushed_back(now + 0.3)
    assert limit.limit == int(32 * 0.9)

    round_trips(limit, 1, 0.2, now + 0.6)
    assert limit.limit == int(32 * 0.9) + 1


def test_slow_start_ends_with_a_round_trip_above_one_and_a_half_times_the_lowest() -> None:
    limit = Concurrency(512)
    now = round_trips(limit, 5, 0.2)
    now = round_trips(limit, 2, 0.29, now)
    before = limit.limit
    assert before >= 64
    now = round_trips(limit, 2, 0.31, now)
    assert limit.limit < before


def test_it_does_not_grow_where_it_was_not_reached() -> None:
    limit = Concurrency(512)
    for n in range(100):
        limit.succeeded(0.1, n * 0.2)

    assert limit.limit == 1


def test_jitter_below_five_percent_of_the_mean_is_not_congestion() -> None:
    limit = Concurrency(512)
    now = round_trips(limit, 4, 0.2)
    limit.pushed_back(now + 0.3)
    before, now = limit.limit, now + 0.6
    for n in range(50):
        now = round_trips(limit, 1, 0.2 * (1.02 if n % 2 else 0.98), now)

    assert limit.limit >= before + 45


def test_a_rising_round_trip_lowers_it() -> None:
    limit = Concurrency(512)
    now = round_trips(limit, 6, 0.2)
    limit.pushed_back(now + 0.3)
    now = round_trips(limit, 10, 0.2, now + 0.6)
    before = limit.limit
    round_trips(limit, 2, 0.4, now)

    assert limit.limit < before


def test_a_few_failures_are_no_overload_but_many_are() -> None:
    """One bad event in a hundred must not throttle the ninety-nine."""
    few, many = Concurrency(512), Concurrency(512)
    now = 0.0
    for _ in range(40):
        now += 0.1
        for limit, share in ((few, 0.1), (many, 0.5)):
            limit.reached()
            failures = int(limit.limit * share)
            for _ in range(limit.limit - failures):
                limit.succeeded(0.1, now - 0.05)
            for _ in range(failures):
                limit.failed(now - 0.05)
            limit.succeeded(0.1, now)

    assert few.limit > 100
    assert many.limit < 10


class Limited:
    """A receiver that takes ``most`` requests at a time and answers 429 to more."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self.world: World | None = None

    def __call__(self, each: Export, now: float) -> tuple[float, Final]:
        assert self.world is not None
        if self.world.box.in_flight > self.most:
            return 0.01, TooFast(None)
        return self.seconds, Delivered(200)


def test_it_finds_a_receivers_limit_and_stays_near_it() -> None:
    receiver = Limited(40, 0.1)
    world = receiver.world = World(outbox(retries=(0.05,), window_events=10**9), receiver)
    world.add(*(export(n, f"p{n}") for n in range(20_000)))
    world.run(20.0)
    before = len(world.delivered)
    limits = []
    for n in range(100):
        world.run(20.0 + n * 0.1)
        limits.append(world.box.concurrency)

    rate = (len(world.delivered) - before) / 9.9
    assert rate > 0.75 * 40 / 0.1
    assert max(limits) <= 48
    assert min(limits) >= 25


def test_it_backs_off_when_the_receiver_takes_less_and_comes_back() -> None:
    receiver = Limited(60, 0.1)
    world = receiver.world = World(outbox(retries=(0.05,)), receiver)
    world.add(*(export(n, f"p{n}") for n in range(100_000)))
    world.run(15.0)
    receiver.most = 10
    world.run(25.0)
    low = world.box.concurrency
    receiver.most = 60
    world.run(45.0)

    assert low <= 13
    assert world.box.concurrency >= 45


@pytest.mark.parametrize("seconds", [0.01, 0.2, 1.0])
def test_a_receiver_without_a_limit_gets_all_that_is_allowed(seconds: float) -> None:
    world = World(outbox(concurrency=512, rate=1e6), lambda *_: (seconds, Delivered(200)))
    world.add(*(export(n, f"p{n}") for n in range(30_000)))
    world.run(12 * seconds)

    assert world.box.concurrency == 512


def test_a_receiver_that_only_slows_down_is_not_flooded() -> None:
    """Processor sharing: 50 at a time at full speed, beyond that everybody waits longer and nobody gains."""
    world = World(outbox(concurrency=5000), lambda *_: (0.0, Delivered(200)))
    world.receiver = lambda *_: (0.1 * max(1.0, world.box.in_flight / 50), Delivered(200))
    world.add(*(export(n, f"p{n}") for n in range(200_000)))
    world.run(60.0)

    assert 40 <= world.box.concurrency <= 400


def test_failing_for_everybody_falls_to_one() -> None:
    limit = Concurrency(100)
    now = round_trips(limit, 6, 0.1)
    for _ in range(60):
        now += 0.2
        limit.failed(now)

    assert limit.limit == 1
    world = World(outbox(), lambda *_: (0.1, MaybePassing("x")))
    world.add(*(export(n, f"p{n}") for n in range(100)))
    world.run(3.0)
    assert world.box.reasons == {"failing"}
