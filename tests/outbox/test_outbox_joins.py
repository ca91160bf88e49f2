"""A join's export starts when nothing earlier of its lane is left of the profiles that its own has absorbed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_outbox_properties import SECONDS, VERDICTS
from world import World, export, healthy, outbox

from exporter.messages.export import Export
from exporter.outbox.next_steps import Probe, Send, Wait
from exporter.outbox.outbox import Outbox
from exporter.outbox.verdict import Delivered, Judged, MaybePassing, Rejected, Unavailable

T = 100.0


def taken(box: Outbox, now: float = T) -> Export | None:
    found = box.take(now)
    return found.export if isinstance(found, Send | Probe) else None


def wide() -> Outbox:
    """An outbox that has learnt that many may be in flight, all before T."""
    world = World(outbox(), now=1.0)
    for number in range(64):
        world.add(export(number, f"before{number}", lane="before"))
    world.run(T)
    assert world.box.concurrency > 4
    assert not world.box.events
    return world.box


def names(world: World) -> list[str]:
    return [each.position for _, each in world.sent]


def test_a_join_waits_for_what_is_in_flight_and_for_what_waits_behind_it() -> None:
    box = wide()
    first, second, join = export(1, "b"), export(2, "b"), export(3, "a", joined=["b"])
    later = export(4, "b")
    for each in (first, second, join, later):
        box.add(each, T)
    assert taken(box) is first
    assert taken(box) is None
    box.answered(first, Delivered(200), T + 1.0)
    assert taken(box, T + 1.0) is second
    assert taken(box, T + 1.0) is None
    box.answered(second, Delivered(200), T + 2.0)
    assert {taken(box, T + 2.0), taken(box, T + 2.0)} == {join, later}


def test_it_waits_through_retries_and_until_a_dead_letter_is_stored() -> None:
    box = wide()
    first, second, join = export(1, "b"), export(2, "b"), export(3, "a", joined=["b"])
    for each in (first, second, join):
        box.add(each, T)
    assert taken(box) is first
    box.answered(first, MaybePassing("x", 503), T + 1.0)
    assert box.take(T + 2.0) == Wait(T + 16.0)
    assert taken(box, T + 16.0) is first
    box.answered(first, Rejected(400, b""), T + 17.0)
    assert box.take(T + 17.0) == Wait(None)
    box.stored(first, T + 18.0)
    assert taken(box, T + 18.0) is second
    box.answered(second, Rejected(400, b""), T + 19.0)
    assert taken(box, T + 19.0) is None
    box.stored(second, T + 20.0)
    assert taken(box, T + 20.0) is join


@pytest.mark.parametrize(
    "others",
    [
        [export(1, "b", lane="1")],  # between lanes there is no order
        [export(5, "b")],
        [export(1, "c")],
        [],
    ],
    ids=["of another lane", "later", "of another profile", "nothing in hand"],
)
def test_it_waits_for_nothing_else(others: Sequence[Export]) -> None:
    box = wide()
    join = export(3, "a", joined=["a", "b"])
    for each in (*others, join):
        box.add(each, T)
    while (found := taken(box)) is not None:
        if found is join:
            return
    pytest.fail("the join was not sent")


def test_of_several_absorbed_profiles_it_waits_for_each() -> None:
    world = World(outbox(concurrency=1))
    world.add(export(1, "b"), export(2, "c"), export(3, "a", joined=["b", "c", "d"]), export(4, "e"), export(5, "a"))
    world.run()
    assert names(world) == ["0-1", "0-2", "0-4", "0-3", "0-5"]


def test_a_chain_of_joins_goes_in_order() -> None:
    world = World(outbox())
    world.add(export(1, "a"), export(2, "b", joined=["a"]), export(3, "c", joined=["b"]), export(4, "d", joined=["c"]))
    world.run()
    assert names(world) == ["0-1", "0-2", "0-3", "0-4"]


@pytest.mark.parametrize("first", ["a", "b"])
def test_two_that_have_absorbed_each_other_both_go(first: str) -> None:
    second = "b" if first == "a" else "a"
    world = World(outbox())
    world.add(export(1, "a"), export(2, "b"), export(3, first, joined=[second]), export(4, second, joined=[first]))
    world.run()
    assert names(world) == ["0-1", "0-2", "0-3", "0-4"]


def test_a_probe_is_never_a_join_that_waits() -> None:
    box = wide()
    first, join = export(1, "b"), export(2, "a", joined=["b"])
    box.add(first, T)
    box.add(join, T)
    assert taken(box) is first
    box.answered(first, Unavailable("unreachable", "x"), T)
    for now in (T + 10.0, T + 100.0, T + 1000.0):
        assert taken(box, now) is first
        assert taken(box, now) is None
        box.answered(first, Unavailable("unreachable", "x"), now)


def test_a_join_whose_absorbed_profile_leaves_with_its_lane_goes() -> None:
    """An export that was in flight is waited for all the same."""
    box = wide()
    first, second, join = export(1, "b"), export(2, "c"), export(3, "a", joined=["c", "b"])
    for each in (first, second, join):
        box.add(each, T)
    assert taken(box) is first
    box.release("0", T + 1.0)
    again = [export(2, "c"), export(3, "a", joined=["c", "b"])]
    for each in again:
        box.add(each, T + 2.0)
    assert taken(box, T + 2.0) is again[0]
    box.answered(again[0], Delivered(200), T + 3.0)
    assert taken(box, T + 3.0) is None
    box.answered(first, MaybePassing("x", 503), T + 4.0)
    assert taken(box, T + 4.0) is again[1]


def test_a_queue_whose_head_leaves_is_looked_at_again() -> None:
    """Of the absorbing profile: the head of another lane was ready, and behind it stands the join."""
    box = wide()
    other, first, join = export(1, "a", lane="1"), export(1, "b"), export(2, "a", joined=["b"])
    for each in (other, first, join):
        box.add(each, T)
    box.release("1", T)
    assert taken(box) is first
    assert taken(box) is None
    box.answered(first, Delivered(200), T + 1.0)
    assert taken(box, T + 1.0) is join


def test_a_probe_is_no_join_that_waits_where_the_export_before_waited_for_a_retry() -> None:
    box = wide()
    other, first, join, third = export(1, "a", "1"), export(1, "b"), export(2, "a", joined=["b"]), export(3, "c")
    for each in (other, first, join, third):
        box.add(each, T)
    assert [taken(box), taken(box), taken(box)] == [other, first, third]
    box.answered(other, MaybePassing("x", 503), T)
    box.release("1", T)
    for now, then in ((T, T + 2.0), (T + 2.0, T + 5.0), (T + 5.0, T + 12.0)):  # before its retry would have been due
        box.answered(third, Unavailable("unreachable", "x"), now)
        assert taken(box, then) is third


def test_a_replay_goes_before_a_join_that_waits_and_waits_for_nobody() -> None:
    box = wide()
    first, join, replay = export(1, "b"), export(3, "a", joined=["b"]), export(2, "a", joined=["b"])
    replay.letter = 7
    box.add(first, T)
    box.add(join, T)
    assert taken(box) is first
    box.replay(replay, T)
    assert taken(box) is replay
    box.answered(replay, Delivered(200), T + 1.0)
    assert taken(box, T + 1.0) is None
    box.answered(first, Delivered(200), T + 1.0)
    assert taken(box, T + 1.0) is join


@settings(max_examples=400)
@given(
    events=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([0, 0, 0, 1]), st.lists(st.integers(0, 4), max_size=3)),
        min_size=1,
        max_size=40,
    ),
    answers=st.lists(st.tuples(SECONDS, VERDICTS), max_size=120),
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.5, 20.0]), min_size=40, max_size=40),
    concurrency=st.integers(1, 8),
    store_seconds=st.sampled_from([0.0, 1.0]),
    lost=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), max_size=3),
    replays=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=3),
)
def test_nothing_earlier_of_an_absorbed_profile_is_left_when_a_join_starts_and_all_end(
    events: list[tuple[int, int, list[int]]],
    answers: list[tuple[float, Judged]],
    gaps: list[float],
    concurrency: int,
    store_seconds: float,
    lost: list[tuple[int, int]],
    replays: list[tuple[int, int]],
) -> None:
    script = iter(answers)
    box = outbox(concurrency=concurrency)
    absorbed: dict[Export, set[str]] = {}

    def receiver(each: Export, now: float) -> tuple[float, Judged]:
        if each.attempts == 1:
            place = each.message
            left = [
                other
                for other in box.exports()
                if other.profile_id in absorbed.get(each, set()) - {each.profile_id}
                and other.message.lane == place.lane
                and other.message.position < place.position
                and other.letter is None
            ]
            assert not left, f"{each} starts before {left}"
        return next(script, healthy(each, now))

    world = World(box, receiver, store_seconds=store_seconds)
    for number, (profile, lane, joined) in enumerate(events):
        for at, gone in lost:
            if at == number:
                box.release(str(gone), world.now)
        for at, of in replays:
            if at == number:
                replay = export(number - 1, f"p{of}", joined=["p0", "p1"])
                replay.letter = number
                box.replay(replay, world.now)
        each = export(number, f"p{profile}", lane=str(lane), joined=[f"p{other}" for other in joined])
        absorbed[each] = set(each.joined)
        world.add(each)
        world.run(world.now + gaps[number])
    world.run(world.now + 1e6)

    assert box.events == 0
    assert box.in_flight == 0
    ended = [each for each in [*world.delivered, *(dead for dead, _ in world.dead)] if each.letter is None]
    assert len(ended) == len(set(ended))
    kept = {each for each in absorbed if each.message.lane not in {str(gone) for _, gone in lost}}
    assert kept <= set(ended)


def test_a_drain_sends_no_join_that_waits() -> None:
    box = outbox()
    first, join = export(1, "b"), export(2, "a", joined=["b"])
    box.add(first, T)
    box.add(join, T)
    assert taken(box) is first
    box.close()
    box.answered(first, Delivered(200), T + 1.0)
    assert box.take(T + 1.0) == Wait(None)
    assert [each.position for each in box.exports()] == ["0-2"]
