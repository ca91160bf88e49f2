"""The message of the intake, stamps, rates, and room in memory: the small values of the data plane."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.collection.checks.collected import Keyed
from exporter.source.collection.plane import Inlet
from exporter.source.collection.rates import Rates
from exporter.source.collection.server.memory import Memory
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import Form, TakenRecord, UnreadableRecord

RECORDS = st.builds(
    TakenRecord,
    st.text(),
    st.integers(0, 2**53),
    st.text(),
    st.text(),
    st.text(),
    st.sampled_from(Form),
    st.binary(),
    st.booleans(),
)


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: TakenRecord) -> None:
    assert TakenRecord.from_bytes(record.to_bytes()) == record


@given(st.binary(), RECORDS, st.integers(0))
def test_what_is_no_record_is_told(noise: bytes, record: TakenRecord, at: int) -> None:
    whole = record.to_bytes()
    for message in (noise, whole[: at % len(whole)], b"\x02" + whole[1:]):
        with pytest.raises(UnreadableRecord) as told:
            TakenRecord.from_bytes(message)
        assert told.value.__context__ is None


def test_no_repr_shows_data_or_a_whole_inlet() -> None:
    record = TakenRecord("1:2:3", 1, "inlet", "f", "d", Form.RAW, b'{"secret":1}')
    assert repr(record) == "TakenRecord(1:2:3, 12 bytes)"
    assert repr(Keyed("a person", record)) == "Keyed(TakenRecord(1:2:3, 12 bytes))"
    assert "a" * 9 not in repr(Inlet("a" * 64, "crm", "org"))


@given(st.lists(st.integers(0, 10**6)), st.integers(0, 10**6))
def test_time_never_falls_and_no_name_comes_twice(clock: list[int], floor: int) -> None:
    ticks = iter(clock)
    stamps = Stamps(lambda: next(ticks), worker=7, floor=floor)
    found = [stamps.next() for _ in clock]
    times = [stamp.ms for stamp in found]
    assert times == sorted(times)
    assert all(time > floor for time in times)
    assert len({stamp.name for stamp in found}) == len(found)
    assert all(stamp.name.split(":")[:2] == [str(stamp.ms), "7"] for stamp in found)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 3))), st.floats(0.5, 20))
def test_a_rate_is_kept(asked: list[tuple[int, float]], per_second: float) -> None:
    rates = Rates()
    now, taken = 100.0, 0
    for count, pause in asked:
        now += pause
        wait = rates.wait("a", count, per_second, now)
        if wait:
            assert wait > 0
            # Who waits as told is let through.
            now += wait + 1e-6
            assert rates.wait("a", count, per_second, now) == 0
        taken += count
        # A second's worth at once, and the last request whole.
        assert taken <= (now - 100.0) * per_second + max(per_second, 1) + count + 1e-6
    assert rates.wait("b", 1, per_second, now) == 0
    assert rates.wait("b", 1, 0, now) == math.inf


@given(st.integers(1, 1000), st.floats(0, 1e7))
def test_a_second_s_worth_is_taken_at_once_whatever_the_clock_says(per_second: int, now: float) -> None:
    rates = Rates()
    assert not any(rates.wait("a", 1, per_second, now) for _ in range(per_second))
    assert rates.wait("a", 1, per_second, now) > 0


class Waiter:
    def __init__(self) -> None:
        self.told = 0

    def granted(self) -> None:
        self.told += 1


def test_room_is_given_in_turn() -> None:
    memory = Memory(100, lambda call: call())
    big, small, late = Waiter(), Waiter(), Waiter()
    assert memory.take(60, Waiter())
    assert not memory.take(50, big)
    assert not memory.take(1, small), "nobody overtakes"
    assert not memory.take(1, late)
    assert memory.leave(late)
    assert not memory.leave(late)
    memory.release(60)
    assert (big.told, small.told, late.told, memory.used, memory.waiting) == (1, 1, 0, 51, 0)
    memory.release(50)
    memory.release(1)
    assert memory.take(1000, Waiter()), "more than there is counts as all"
    assert memory.used == 100
    memory.release(1000)
    assert memory.used == 0


def test_who_leaves_lets_the_next_go() -> None:
    memory = Memory(100, lambda call: call())
    big, small = Waiter(), Waiter()
    memory.take(60, Waiter())
    memory.take(50, big)
    memory.take(40, small)
    memory.leave(big)
    assert (small.told, memory.used) == (1, 100)
