"""How members of a Kafka group share lanes, without a broker: tables and random histories."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.messages.message import Message
from exporter.queues.kafka.cluster.topic_ids import UNKNOWN, incarnation_of, lane_name
from exporter.queues.kafka.commits import CommittedOffset, from_kafka, range_bytes, to_kafka
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.fetch.start_positions import Ends, StartPosition, start_positions
from exporter.queues.kafka.lease.assignment import Claim, Share, decode_release, encode_release, share
from exporter.queues.port import LaneLost
from exporter.queues.progress.settled import Committed, encode, gaps

TOPIC = incarnation_of(bytes(range(16)))


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
    offset, metadata = to_kafka(Committed(4, encoded[: range_bytes(4096)]), TOPIC, 2.0**32 - 1)
    assert offset == 5
    assert len(metadata) <= 4096
    said = from_kafka(*to_kafka(Committed(4, encoded), TOPIC, 1_800_000_000.9))
    assert said == CommittedOffset(4, list(ranges), TOPIC, 1_800_000_000.0)
    assert from_kafka(*to_kafka(Committed(4, b""), UNKNOWN, 7.0)) == CommittedOffset(4, [], UNKNOWN, 7.0)


@pytest.mark.parametrize(
    "metadata", [None, "", "somebody else's", "exporter1:!!", "exporter1::7:gA==", "exporter1::x:", "exporter1:a:1:!!"]
)
def test_metadata_that_is_none_of_ours_says_nothing(metadata: str | None) -> None:
    assert from_kafka(7, metadata) == CommittedOffset(6, (), UNKNOWN, None)


def test_a_badge_is_shown_and_others_are_understood() -> None:
    claim = Claim(3, frozenset({1}), frozenset({2}), "a state")
    assert Claim.decode(claim.encode()) == claim
    assert Claim.decode(b'{"generation": 3, "held": [1], "leaving": [2]}').badge == ""
    assert b"badge" not in Claim(3).encode()


def said(settled_to: int, *ranges: tuple[int, int], of: str = TOPIC) -> CommittedOffset:
    return CommittedOffset(settled_to, ranges, of, None)


def test_where_a_lane_begins() -> None:
    told: list[str] = []
    ends = Ends({0: 5, 1: 5, 2: 0, 3: 0}, {0: 9, 1: 9, 2: 3, 3: 3})
    committed = {0: said(5, of=UNKNOWN), 1: said(1, (3, 6), (7, 8)), 2: said(6)}
    found = start_positions([0, 1, 2, 3], committed, ends, TOPIC, "g", told.append)
    assert found == {
        0: StartPosition(5, (), kept=True),
        1: StartPosition(4, ((5, 6), (7, 8)), kept=False),
        2: StartPosition(-1, (), kept=False),
        3: StartPosition(-1, (), kept=False),
    }
    assert len(told) == 2
    assert told[0] == "group g: events 2 of partition 1 were deleted before it read them"
    assert "partition 2 ends before 7" in told[1]


def test_what_was_committed_for_another_topic_of_that_name_does_not_count() -> None:
    told: list[str] = []
    ends = Ends({0: 0, 1: 4, 2: 0}, {0: 9, 1: 9, 2: 9})
    committed = {0: said(5, (7, 8), of="older"), 1: said(6, of="older"), 2: said(6)}
    found = start_positions([0, 1, 2], committed, ends, TOPIC, "g", told.append)
    assert found == {
        0: StartPosition(-1, (), kept=False),
        1: StartPosition(3, (), kept=False),
        2: StartPosition(6, (), kept=True),
    }
    assert told == ["group g: the topic was deleted and made anew; it is read from its beginning (partition 0 and 1)"]
    # Brokers that tell no ids: only a place behind the end can be noticed.
    found = start_positions([0], {0: said(9, of="older")}, Ends({0: 0}, {0: 9}), UNKNOWN, "g", told.append)
    assert found == {0: StartPosition(-1, (), kept=False)}


@pytest.mark.parametrize(
    ("begin", "end", "settled", "missed"),
    [
        (3, 9, [], [(3, 9)]),
        (3, 2, [], []),
        (3, 9, [(3, 9)], []),
        (3, 9, [(1, 4), (6, 6), (9, 20)], [(5, 5), (7, 8)]),
        (3, 9, [(10, 20)], [(3, 9)]),
        (3, 9, [(4, 4), (12, 20), (22, 30)], [(3, 3), (5, 9)]),
    ],
)
def test_gaps(begin: int, end: int, settled: list[tuple[int, int]], missed: list[tuple[int, int]]) -> None:
    assert gaps(begin, end, settled) == missed


def lane_of(number: int) -> str:
    return lane_name(number, TOPIC)


def message(lane: int, position: int) -> Message:
    return Message(lane_of(lane), position, b"", 0.0)


class TestLanes:
    def held(self) -> Lanes:
        lanes = Lanes(1000, lambda: None)
        assert not lanes.assigned([0, 1], [], 1)
        for number in (0, 1):
            lanes.adopt(number, TOPIC, StartPosition(-1, (), kept=True))
        return lanes

    def test_a_planned_loss_takes_two_calls(self) -> None:
        lanes = self.held()
        first, second = message(0, 0), message(0, 1)
        assert lanes.take(0, [first, second]) == [first, second]
        assert not lanes.assigned([1], [0], 2)
        assert lanes.readable() == [1]
        assert not lanes.told()
        assert lanes.news() == LaneLost(lane_of(0), planned=True)
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
        assert [lanes.reads(name) for name in (None, *map(lane_of, range(3)))] == [True, True, True, False]
        lanes.assigned([1], [0], 2)
        assert [lanes.reads(name) for name in (None, *map(lane_of, range(2)))] == [False, False, True]

    def test_an_unplanned_loss_replaces_a_planned_one(self) -> None:
        lanes = self.held()
        lanes.assigned([1], [0], 2)
        lanes.lose_all()
        assert [lanes.news(), lanes.news()] == [
            LaneLost(lane_of(0), planned=False),
            LaneLost(lane_of(1), planned=False),
        ]
        assert lanes.news() is None
        assert lanes.claim().held == frozenset()

    def test_a_lane_that_the_leader_gave_to_another_is_lost_at_once(self) -> None:
        lanes = self.held()
        lanes.assigned([1], [], 2)
        assert lanes.news() == LaneLost(lane_of(0), planned=False)

    def test_a_late_settle_does_not_count_for_the_lane_that_came_back(self) -> None:
        lanes = self.held()
        before, after = message(0, 0), message(0, 0)
        lanes.take(0, [before])
        lanes.assigned([1], [], 2)
        lanes.assigned([0, 1], [], 3)
        assert lanes.wanted == {0}
        lanes.adopt(0, TOPIC, StartPosition(-1, (), kept=True))
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

    def test_a_lane_whose_next_events_were_deleted_goes_on_behind_them_and_keeps_what_it_has(self) -> None:
        lanes = Lanes(1000, lambda: None)
        lanes.assigned([0], [], 1)
        lanes.adopt(0, TOPIC, StartPosition(-1, ((4, 5),), kept=True))
        first, second, later = message(0, 0), message(0, 1), message(0, 10)
        lanes.take(0, [first, second])
        lanes.cannot_read(0, 2)
        assert lanes.readable() == []
        [lane] = lanes.stuck()
        assert lanes.go_on(lane, 10) == [(2, 3), (6, 9)]
        assert (lanes.readable(), lanes.reads_from(), lanes.stuck(), lanes.news()) == ([0], {0: 10}, [], None)
        assert lanes.take(0, [later]) == [later]
        assert lanes.settle(second)
        [(_, committed)] = lanes.to_commit()
        assert committed == Committed(-1, encode(-1, ((1, 9),)))
        assert lanes.settle(first)
        [(_, committed)] = lanes.to_commit()
        assert committed == Committed(9, b"")

    def test_a_lane_that_is_where_the_topic_begins_by_now_just_goes_on(self) -> None:
        lanes = self.held()
        lanes.cannot_read(0, 0)
        [lane] = lanes.stuck()
        assert lanes.go_on(lane, 0) == []
        assert (lanes.readable(), lanes.reads_from()[0]) == ([0, 1], 0)

    def test_the_lanes_of_a_topic_that_was_made_anew_are_others_and_begin_when_what_was_read_is_settled(self) -> None:
        lanes = self.held()
        first, second = message(0, 0), message(0, 1)
        lanes.take(0, [first, second])
        for same in (UNKNOWN, TOPIC):
            lanes.end_unless_of(same)
            lanes.begin_anew()
            assert (lanes.news(), lanes.readable()) == (None, [0, 1])
        lanes.end_unless_of("another")
        lanes.begin_anew()
        assert [lanes.news(), lanes.news()] == [LaneLost(lane_of(1), planned=False), None]
        assert lanes.wanted == {1}
        assert lanes.readable() == []
        assert lanes.take(0, [message(0, 2)]) == [], "it may be one of the other topic"
        assert lanes.settle(second)
        lanes.begin_anew()
        assert lanes.wanted == {1}
        assert lanes.settle(first)
        lanes.begin_anew()
        assert lanes.news() == LaneLost(lane_of(0), planned=False)
        assert lanes.wanted == {0, 1}

        lanes.adopt(0, "another", StartPosition(-1, (), kept=False))
        new = Message(lane_name(0, "another"), 0, b"", 0.0)
        assert lanes.take(0, [new]) == [new]
        assert not lanes.settle(first)
        assert lanes.settle(new)
        assert (lanes.knows(first.lane), lanes.knows(new.lane), lanes.reads(first.lane)) == (False, True, False)

    def test_a_place_that_is_not_what_was_committed_is_committed_without_waiting_for_anything_to_settle(self) -> None:
        lanes = Lanes(1000, lambda: None)
        lanes.assigned([0, 1], [], 1)
        lanes.adopt(0, TOPIC, StartPosition(4, (), kept=False))
        lanes.adopt(1, TOPIC, StartPosition(4, (), kept=True))
        assert [(lane.number, committed) for lane, committed in lanes.to_commit()] == [(0, Committed(4, b""))]
        assert [lane.number for lane, _ in lanes.any_durable()] == [1]
