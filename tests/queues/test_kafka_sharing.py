"""How members of a Kafka group share lanes, without a broker: tables and random histories."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.queues.kafka.adoption import places_to_begin
from exporter.queues.kafka.assignment import Claim, Share, decode_release, encode_release, share
from exporter.queues.kafka.cluster import Ends
from exporter.queues.kafka.lanes import Lanes
from exporter.queues.kafka.offsets import from_kafka, range_bytes, to_kafka
from exporter.queues.port import LaneLost, Message
from exporter.queues.positions import Committed, encode


def claim(*held: int, leaving: tuple[int, ...] = (), generation: int = 1) -> Claim:
    return Claim(generation, frozenset(held), frozenset(leaving))


@pytest.mark.parametrize(
    ("lanes", "claims", "shares"),
    [
        (3, {"a": claim()}, {"a": Share((0, 1, 2), ())}),
        (3, {"a": claim(0, 1, 2), "b": claim()}, {"a": Share((0, 1), (2,)), "b": Share((), ())}),
        (3, {"a": claim(0, 1), "b": claim()}, {"a": Share((0, 1), ()), "b": Share((2,), ())}),
        (3, {"a": claim(0, 1, leaving=(2,)), "b": claim()}, {"a": Share((0, 1), ()), "b": Share((), ())}),
        (1, {"a": claim(), "b": claim(0)}, {"b": Share((0,), ()), "a": Share((), ())}),
        (4, {"a": claim(0, 1, 2, 3), "b": claim(2, 3, generation=5)}, {"a": Share((0, 1), ()), "b": Share((2, 3), ())}),
        (0, {"a": claim(7)}, {"a": Share((), ())}),
    ],
)
def test_share(lanes: int, claims: dict[str, Claim], shares: dict[str, Share]) -> None:
    assert share(range(lanes), claims) == shares


@given(st.integers(0, 20), st.randoms(use_true_random=False))
def test_members_that_come_and_go_never_read_a_lane_together_and_end_evenly(lanes: int, chance: random.Random) -> None:
    """Each round every member joins with what it holds; between rounds some let go, some die, some come."""
    holds: dict[str, set[int]] = {"m0": set()}
    leaving: dict[str, set[int]] = {"m0": set()}
    born = 1

    def round_of_sharing() -> bool:
        claims = {
            member: Claim(1, frozenset(holds[member] - leaving[member]), frozenset(leaving[member])) for member in holds
        }
        given_to = share(range(lanes), claims)
        for member, given_lanes in given_to.items():
            assert holds[member] - leaving[member] <= set(given_lanes.lanes) | set(given_lanes.release)
            leaving[member] |= set(given_lanes.release)
            holds[member] |= set(given_lanes.lanes)
        everybody = [lane for mine in holds.values() for lane in mine]
        assert len(everybody) == len(set(everybody))
        return any(leaving.values())

    for _ in range(chance.randrange(12)):
        round_of_sharing()
        match chance.randrange(4):
            case 0:
                holds[f"m{born}"], leaving[f"m{born}"] = set(), set()
                born += 1
            case 1 if len(holds) > 1:
                gone = chance.choice(sorted(holds))
                del holds[gone], leaving[gone]
            case 2:
                for member in holds:
                    if chance.random() < 0.5:
                        holds[member] -= leaving[member]
                        leaving[member].clear()
            case _:
                pass
    for _ in range(3):
        round_of_sharing()
        for member in holds:
            holds[member] -= leaving[member]
            leaving[member].clear()
    assert set().union(*holds.values()) == set(range(lanes))
    assert max(map(len, holds.values())) - min(map(len, holds.values())) <= 1


@given(st.integers(-1, 100), st.frozensets(st.integers(0, 50)), st.frozensets(st.integers(0, 50)))
def test_claims_and_releases_survive_the_wire(generation: int, held: frozenset[int], leaving: frozenset[int]) -> None:
    said = Claim(generation, held, leaving)
    assert Claim.decode(said.encode()) == said
    assert decode_release(encode_release(leaving)) == leaving


@pytest.mark.parametrize("garbage", [None, b"", b"{}", b"[1", b"\xff\x00", b'{"generation":1,"held":7,"leaving":[]}'])
def test_what_others_say_is_no_claim(garbage: bytes | None) -> None:
    assert Claim.decode(garbage) == Claim()
    assert decode_release(garbage) == frozenset()


def test_what_is_committed_fits_and_comes_back() -> None:
    ranges = tuple((number, number + 1) for number in range(10, 4000, 4))
    encoded = encode(4, ranges)
    offset, metadata = to_kafka(Committed(4, encoded[: range_bytes(4096)]))
    assert offset == 5
    assert len(metadata) <= 4096
    settled_to, found = from_kafka(*to_kafka(Committed(4, encoded)))
    assert (settled_to, tuple(found)) == (4, ranges)


@pytest.mark.parametrize("metadata", [None, "", "somebody else's", "exporter1:!!", "exporter1:gA=="])
def test_metadata_that_is_none_of_ours_holds_no_ranges(metadata: str | None) -> None:
    assert from_kafka(7, metadata) == (6, ())


def test_a_badge_is_shown_and_others_are_understood() -> None:
    claim = Claim(3, frozenset({1}), frozenset({2}), "a state")
    assert Claim.decode(claim.encode()) == claim
    assert Claim.decode(b'{"generation": 3, "held": [1], "leaving": [2]}').badge == ""
    assert b"badge" not in Claim(3).encode()


def test_where_a_lane_begins() -> None:
    told: list[str] = []
    ends = Ends({0: 5, 1: 5, 2: 0, 3: 0}, {0: 9, 1: 9, 2: 3, 3: 3})
    _, ranges = to_kafka(Committed(1, encode(1, ((3, 6), (7, 8)))))
    found = places_to_begin([0, 1, 2, 3], {0: (6, ""), 1: (2, ranges), 2: (7, "")}, ends, "g", told.append)
    assert found == {0: (5, ()), 1: (4, ((5, 6), (7, 8))), 2: (-1, ()), 3: (-1, ())}
    assert len(told) == 2
    assert "2 to 4 of lane 1" in told[0]
    assert "lane 2 ends before 7" in told[1]


def message(lane: int, position: int) -> Message:
    return Message(str(lane), position, b"", 0.0)


class TestLanes:
    def held(self) -> Lanes:
        lanes = Lanes(1000, lambda: None)
        assert not lanes.assigned([0, 1], [], 1)
        for number in (0, 1):
            lanes.adopt(number, -1, ())
        return lanes

    def test_a_planned_loss_takes_two_calls(self) -> None:
        lanes = self.held()
        first, second = message(0, 0), message(0, 1)
        assert lanes.take(0, [first, second]) == [first, second]
        assert not lanes.assigned([1], [0], 2)
        assert lanes.readable() == [1]
        assert not lanes.told()
        assert lanes.news() == LaneLost("0", planned=True)
        assert lanes.claim() == Claim(2, frozenset({1}), frozenset({0}))
        assert not lanes.releasing()
        assert lanes.settle(first)
        assert lanes.told()
        [lane] = lanes.releasing()
        [(_, committed)] = lanes.to_commit()
        assert committed.settled_to == 0
        lanes.released(lane)
        assert lanes.claim() == Claim(2, frozenset({1}), frozenset())
        assert not lanes.settle(second)

    def test_a_lane_that_is_to_be_released_is_not_read_any_more(self) -> None:
        lanes = self.held()
        assert (lanes.reads(0), lanes.reads(1), lanes.reads(2)) == (True, True, False)
        lanes.assigned([1], [0], 2)
        assert (lanes.reads(0), lanes.reads(1)) == (False, True)

    def test_an_unplanned_loss_replaces_a_planned_one(self) -> None:
        lanes = self.held()
        lanes.assigned([1], [0], 2)
        lanes.lose_all()
        assert [lanes.news(), lanes.news()] == [LaneLost("0", planned=False), LaneLost("1", planned=False)]
        assert lanes.news() is None
        assert lanes.claim().held == frozenset()

    def test_a_lane_that_the_leader_gave_to_another_is_lost_at_once(self) -> None:
        lanes = self.held()
        lanes.assigned([1], [], 2)
        assert lanes.news() == LaneLost("0", planned=False)

    def test_a_late_settle_does_not_count_for_the_lane_that_came_back(self) -> None:
        lanes = self.held()
        before, after = message(0, 0), message(0, 0)
        lanes.take(0, [before])
        lanes.begin_again(0)
        assert lanes.wanted == {0}
        lanes.adopt(0, -1, ())
        lanes.take(0, [after])
        assert not lanes.settle(before)
        assert lanes.to_commit() == []
        assert lanes.settle(after)

    def test_a_lane_to_release_that_is_not_in_hand_asks_for_another_sharing(self) -> None:
        lanes = Lanes(1000, lambda: None)
        assert lanes.assigned([], [3], 1)

    def test_what_was_never_handed_out_cannot_be_settled(self) -> None:
        with pytest.raises(ValueError, match="never received"):
            self.held().settle(message(0, 0))
