"""Order × pause × retry × rate × lanes taken away, driven by Hypothesis on virtual time (architecture.md)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from world import World, export, healthy, outbox

from exporter.messages.export import Export
from exporter.outbox.verdict import (
    Broken,
    Delivered,
    Judged,
    MaybePassing,
    Rejected,
    TooFast,
    Unavailable,
)

VERDICTS = st.sampled_from(
    [
        *[Delivered(200)] * 6,
        *[MaybePassing("x", 503)] * 4,
        Rejected(400, b""),
        TooFast(None),
        TooFast(3.0),
        Unavailable("unreachable", "x"),
        Unavailable("retry_after", "x", 503, 7.0),
        Unavailable("token_endpoint", "x", attempted=False),
        Unavailable("token_endpoint", "x", None, 7.0, attempted=False),
        Broken("x"),
    ]
)
SECONDS = st.sampled_from([0.0, 0.01, 0.3, 9.0])


@settings(max_examples=300)
@given(
    profiles=st.lists(st.integers(0, 4), min_size=1, max_size=40),
    answers=st.lists(st.tuples(SECONDS, VERDICTS), max_size=120),
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.5, 20.0]), min_size=40, max_size=40),
    concurrency=st.integers(1, 8),
    rate=st.sampled_from([0.5, 10.0, 1e6]),
    store_seconds=st.sampled_from([0.0, 1.0]),
    rejections=st.sampled_from([0, 2, 100]),
)
def test_nothing_is_lost_overtaken_or_sent_twice_at_a_time(
    profiles: list[int],
    answers: list[tuple[float, Judged]],
    gaps: list[float],
    concurrency: int,
    rate: float,
    store_seconds: float,
    rejections: int,
) -> None:
    script = iter(answers)

    def receiver(each: Export, now: float) -> tuple[float, Judged]:
        return next(script, healthy(each, now))

    box = outbox(concurrency=concurrency, rate=rate, pause_after_rejections=rejections)
    world = World(box, receiver, store_seconds=store_seconds)
    for position, profile in enumerate(profiles):
        world.run(world.now + gaps[position])
        world.add(export(position, f"p{profile}"))
        assert box.in_flight <= concurrency
    world.run(world.now + 1e6)

    ended = {each.message.position for each in world.delivered} | {each.message.position for each, _ in world.dead}
    assert ended == set(range(len(profiles)))
    assert len(world.delivered) + len(world.dead) == len(profiles)
    for positions in world.positions().values():
        assert positions == sorted(positions)
    assert box.events == 0
    assert box.in_flight == 0
    # These two dead-letter the export that opens them, so nothing may be left in hand to probe with.
    assert box.reasons <= {"rejections", "bug"}


@settings(max_examples=200)
@given(
    events=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40),
    answers=st.lists(st.tuples(SECONDS, VERDICTS), max_size=60),
    lost=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=4),
)
def test_lanes_may_be_taken_away_at_any_time(
    events: list[tuple[int, int]], answers: list[tuple[float, Judged]], lost: list[tuple[int, int]]
) -> None:
    script = iter(answers)
    box = outbox(concurrency=3)
    world = World(box, lambda each, now: next(script, healthy(each, now)), store_seconds=0.2)
    for position, (profile, lane) in enumerate(events):
        for at, gone in lost:
            if at == position:
                box.release(str(gone), world.now)
        world.add(export(position, f"{lane}/{profile}", lane=str(lane)))
        world.run(world.now + 0.1)
    for _, gone in lost:
        box.release(str(gone), world.now)
    world.run(world.now + 1e6)

    assert box.events == 0
    ended = [each.message.position for each in world.delivered] + [each.message.position for each, _ in world.dead]
    assert len(ended) == len(set(ended))
    kept = {position for position, (_, lane) in enumerate(events) if lane not in {gone for _, gone in lost}}
    assert kept <= set(ended)
    for positions in world.positions().values():
        assert positions == sorted(positions)
