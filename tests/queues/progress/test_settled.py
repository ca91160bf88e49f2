"""Position arithmetic against a model that keeps everything in sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.queues.progress.settled import LaneProgress, decode, encode


def covered(settled_to: int, encoded: bytes, position: int) -> bool:
    return position <= settled_to or any(first <= position <= last for first, last in decode(settled_to, encoded))


class Model(RuleBasedStateMachine):
    """A lane that exists beforehand, a reader that settles in any order, and restarts from what was committed."""

    def __init__(self) -> None:
        super().__init__()
        self.lane: list[int] = []
        self.settled: set[int] = set()
        self.durable: set[int] = set()
        self.in_hand: list[int] = []
        self.read = 0
        self.committed = (0, b"")
        self.progress = LaneProgress(0)

    @rule(gaps=st.lists(st.integers(1, 300), min_size=1, max_size=20))
    def append(self, gaps: list[int]) -> None:
        for gap in gaps:
            self.lane.append((self.lane[-1] if self.lane else 0) + gap)

    @precondition(lambda self: self.read < len(self.lane))
    @rule(count=st.integers(1, 30))
    def receive(self, count: int) -> None:
        for position in self.lane[self.read : self.read + count]:
            handed_out = self.progress.received(position)
            assert handed_out == (position not in self.durable)
            if handed_out:
                self.in_hand.append(position)
        self.read = min(len(self.lane), self.read + count)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def settle_some(self, data: st.DataObject) -> None:
        for position in data.draw(st.lists(st.sampled_from(self.in_hand), max_size=20)):
            self.progress.settle(position)  # some of them twice
            self.settled.add(position)

    @rule()
    def commit(self) -> None:
        self.committed = self.progress.committed()
        self.durable = self.settled.copy()

    @rule()
    def restart(self) -> None:
        settled_to, ranges = self.committed
        self.progress = LaneProgress(settled_to, decode(settled_to, ranges))
        self.settled = self.durable.copy()
        self.in_hand = []
        self.read = sum(position <= settled_to for position in self.lane)

    @invariant()
    def exactly_what_was_settled_is_covered(self) -> None:
        settled_to, ranges = self.progress.committed()
        assert not self.progress.full
        for position in self.lane:
            assert covered(settled_to, ranges, position) == (position in self.settled)

    @invariant()
    def contiguous_is_as_far_as_it_can_be(self) -> None:
        settled_to, _ = self.progress.committed()
        prefix = 0
        for position in self.lane[: self.read]:
            if position not in self.settled:
                break
            prefix = position
        assert settled_to == prefix

    @invariant()
    def what_is_in_hand_is_counted(self) -> None:
        assert self.progress.unsettled() == len(set(self.in_hand) - self.settled)


TestModel = Model.TestCase


@given(st.integers(0, 2**40), st.lists(st.tuples(st.integers(1, 2**33), st.integers(0, 2**33)), max_size=50))
def test_ranges_survive_being_encoded(settled_to: int, steps: list[tuple[int, int]]) -> None:
    ranges = []
    before = settled_to
    for distance, length in steps:
        ranges.append((before + distance, before + distance + length))
        before += distance + length
    assert decode(settled_to, encode(settled_to, ranges)) == ranges


@pytest.mark.parametrize("encoded", [b"\x80", b"\x01", b"\x01\x01\x80"])
def test_cut_off_ranges_are_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="too early"):
        decode(0, encoded)


@pytest.mark.parametrize("position", [2, 4, 11])
def test_settling_what_was_never_received_is_a_bug(position: int) -> None:
    progress = LaneProgress(0)
    for received in (1, 3, 7, 10):
        progress.received(received)
    with pytest.raises(ValueError, match=f"{position} was never received"):
        progress.settle(position)


def test_a_position_that_does_not_grow_is_a_bug() -> None:
    progress = LaneProgress(5)
    assert progress.received(9)
    with pytest.raises(ValueError, match="position 9 came after 9"):
        progress.received(9)


@given(st.integers(0, 40), st.data())
def test_what_has_no_room_is_left_out_and_said(room: int, data: st.DataObject) -> None:
    progress = LaneProgress(0, max_range_bytes=room)
    settled = data.draw(st.sets(st.integers(2, 400)))
    for position in range(1, 401):
        progress.received(position)
    for position in settled:
        progress.settle(position)
    settled_to, ranges = progress.committed()
    assert len(ranges) <= room
    assert all(position in settled for position in range(1, 401) if covered(settled_to, ranges, position))
    assert progress.full == any(not covered(settled_to, ranges, position) for position in settled)
    for position in range(1, 401):
        progress.settle(position)
    assert progress.committed() == (400, b"")
    assert not progress.full


def test_what_was_forgotten_is_still_settled() -> None:
    progress = LaneProgress(0)
    for position in range(1, 20_001):
        progress.received(position)
    for position in range(1, 10_001):
        progress.settle(position)
    assert progress.committed() == (10_000, b"")
    progress.settle(5)
    progress.settle(15_000)
    assert progress.committed() == (10_000, encode(10_000, [(15_000, 15_000)]))
    assert progress.unsettled() == 9_999
