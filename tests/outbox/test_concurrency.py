"""Concurrency finds what a receiver can take and backs off from more, on virtual time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from random import Random

import pytest
from world import World, export, outbox

from exporter.messages.export import Export
from exporter.outbox.concurrency import LEAST_ROUND_SECONDS, Concurrency
from exporter.outbox.verdict import Delivered, Judged, MaybePassing, TooFast


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


def test_slow_start_ends_with_back_pressure_and_steps_begin_at_one() -> None:
    limit = Concurrency(512)
    now = round_trips(limit, 5, 0.2)
    limit.pushed_back(now + 0.3)
    assert limit.limit == int(32 * 0.9)

    # What comes back in the first round was sent before.
    now = round_trips(limit, 1, 0.2, now + 0.6)
    assert limit.limit == int(32 * 0.9)
    for more in (1, 2, 3):
        now = round_trips(limit, 1, 0.2, now)
        assert limit.limit == int(32 * 0.9) + more


def test_a_sign_that_was_none_costs_rounds_not_hundreds_of_them() -> None:
    limit = Concurrency(1500)
    now = round_trips(limit, 5, 0.5)
    limit.pushed_back(now + 0.6)
    round_trips(limit, 40, 0.5, now + 1.2)

    assert limit.limit > 1000


def test_slow_start_goes_back_to_half_when_round_trips_have_doubled() -> None:
    limit = Concurrency(512)
    now = round_trips(limit, 5, 0.2)
    now = round_trips(limit, 2, 0.35, now)
    before = limit.limit
    assert before >= 64

    round_trips(limit, 1, 0.5, now)
    assert limit.limit == before // 2


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


def settled(seconds: float) -> tuple[Concurrency, float]:
    """A limit that has left slow start, at an endpoint of that latency."""
    limit = Concurrency(512)
    now = round_trips(limit, 6, seconds)
    limit.pushed_back(now + 3 * seconds)
    return limit, round_trips(limit, 10, seconds, now + 6 * seconds)


def test_round_trips_that_lengthen_with_the_limit_lower_it() -> None:
    limit, now = settled(0.2)
    before = limit.limit
    for _ in range(20):
        now = round_trips(limit, 1, 0.5 * limit.limit / before, now)

    assert limit.limit <= before * 0.85


def test_round_trips_that_are_longer_whatever_the_limit_do_not() -> None:
    limit, now = settled(0.2)
    before = limit.limit
    round_trips(limit, 8, 0.6, now)

    assert limit.limit >= before


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

    def __call__(self, each: Export, now: float) -> tuple[float, Judged]:
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
    world.run(12 * max(seconds, LEAST_ROUND_SECONDS))

    assert world.box.concurrency == 512


Latency = Callable[[Random], float]
DEVIATION = math.sqrt(math.log(2))


@pytest.mark.parametrize("seconds", [0.005, 0.05, 0.5])
@pytest.mark.parametrize(
    "share",
    [
        pytest.param(lambda _: 1.0, id="always the same"),
        pytest.param(lambda random: random.uniform(0.7, 1.3), id="a third more or less"),
        pytest.param(lambda random: 8.0 if random.random() < 0.01 else 0.93, id="one in a hundred takes long"),
        # A mean of 1 and a deviation of 1.
        pytest.param(lambda random: random.lognormvariate(-(DEVIATION**2) / 2, DEVIATION), id="all over the place"),
    ],
)
def test_the_search_reaches_the_rate(seconds: float, share: Latency) -> None:
    """Of 2,000 a second, whatever the latency: within 60 round trips, and at most 20 seconds."""
    random = Random(7)
    world = World(
        outbox(rate=2000.0, concurrency=1500, window_events=10**9),
        lambda *_: (seconds * share(random), Delivered(200)),
    )
    world.add(*(export(n, f"p{n}") for n in range(46_000)))
    begin = min(20.0, 1.0 + 60 * seconds)
    world.run(begin)
    before = len(world.sent)
    world.run(begin + 2.0)

    assert len(world.sent) - before >= 2 * 2000 * 0.98


def test_a_receiver_that_counts_any_second_never_says_too_fast() -> None:
    """It takes 2,000 in any second and no more, which is the rate that we were told."""
    came: deque[float] = deque()

    def counting(_export: Export, now: float) -> tuple[float, Judged]:
        while came and came[0] <= now - 1.0:
            came.popleft()
        if len(came) == 2000:
            return 0.001, TooFast(None)
        came.append(now)
        return 0.5, Delivered(200)

    world = World(outbox(rate=2000.0, concurrency=1500, window_events=10**9), counting)
    world.add(*(export(n, f"p{n}") for n in range(44_000)))
    world.run(20.0)

    assert not any(each.too_fast for _, each in world.sent)
    assert len(world.delivered) > 2000 * 0.98 * 13


class Sharing:
    """A receiver that works on ``most`` requests at full speed; beyond that everybody waits longer."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self.random = Random(7)
        self.world: World | None = None

    def __call__(self, _export: Export, _now: float) -> tuple[float, Judged]:
        assert self.world is not None
        crowd = max(1.0, self.world.box.in_flight / self.most)
        return self.seconds * crowd * self.random.uniform(0.8, 1.2), Delivered(200)


@pytest.mark.parametrize(("most", "seconds"), [(50, 0.1), (50, 0.02), (200, 0.05)])
def test_a_receiver_that_only_slows_down_is_not_flooded(most: int, seconds: float) -> None:
    """Nobody gains from more than ``most`` in flight: the limit stays near it for as long as it runs."""
    receiver = Sharing(most, seconds)
    world = receiver.world = World(outbox(concurrency=5000, window_events=10**9), receiver)
    world.add(*(export(n, f"p{n}") for n in range(200_000)))
    world.run(10.0)
    limits = []
    for n in range(100):
        world.run(10.0 + n * 0.2)
        limits.append(world.box.concurrency)

    assert max(limits) <= 4 * most
    assert len(world.delivered) >= 0.9 * (10.0 + 19.8) * most / seconds


def test_it_backs_off_when_the_receiver_becomes_slower_under_load() -> None:
    receiver = Sharing(200, 0.1)
    world = receiver.world = World(outbox(concurrency=1500, rate=2000.0, window_events=10**9), receiver)
    world.add(*(export(n, f"p{n}") for n in range(70_000)))
    world.run(10.0)
    before = len(world.delivered)
    receiver.most = 50
    world.run(30.0)

    assert world.box.concurrency <= 4 * 50
    assert len(world.delivered) - before >= 0.9 * 20 * 50 / 0.1


def test_it_follows_a_receiver_that_takes_longer_for_reasons_of_its_own() -> None:
    """From 50 to 500 ms at any load: ten times as many have to be in flight for the same rate."""
    world = World(
        outbox(rate=2000.0, concurrency=1500, window_events=10**9),
        lambda _, now: (0.05 if now < 5.0 else 0.5, Delivered(200)),
    )
    world.add(*(export(n, f"p{n}") for n in range(70_000)))
    world.run(30.0)
    before = len(world.delivered)
    world.run(32.0)

    assert len(world.delivered) - before >= 2 * 2000 * 0.98


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
