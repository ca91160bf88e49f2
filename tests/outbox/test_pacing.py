"""Pacing on a time that is passed in: never too many in any second, and hardly fewer than allowed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.outbox.pacing import HANDFUL_SECONDS, Pacing

#: How much later than asked for an event loop comes back, in seconds: mostly a little, at times a lot.
LATE = st.lists(st.one_of(st.floats(0.0, 0.002), st.floats(0.0, 0.1)), min_size=1, max_size=50)
RATES = st.sampled_from([0.3, 1.0, 7.0, 100.0, 2_000.0, 5_000.0])


def starts(rate: float, seconds: float, late: list[float]) -> list[float]:
    """When attempts begin if there is always one to make, and each wait ends later than asked for."""
    pacing, now, turn, found = Pacing(rate), 0.0, 0, []
    while now < seconds:
        while pacing.free_at() <= now:
            pacing.spend(now)
            found.append(now)
        now = pacing.free_at() + late[turn % len(late)]
        turn += 1
    return found


@given(rate=RATES, late=LATE)
def test_no_second_has_more_than_the_rate_however_late_the_loop_is(rate: float, late: list[float]) -> None:
    found = starts(rate, 3.0, late)
    for first, begin in enumerate(found):
        assert bisect_left(found, begin + 1.0) - first <= max(1, rate)


@given(rate=RATES, late=LATE)
def test_no_burst_has_more_than_50_milliseconds_of_the_rate(rate: float, late: list[float]) -> None:
    found = Counter(starts(rate, 3.0, late))
    assert max(found.values()) <= max(1, rate * 0.05)


@pytest.mark.parametrize("rate", [1_000.0, 2_000.0, 20_000.0])
def test_what_a_late_loop_missed_is_made_up(rate: float) -> None:
    found = starts(rate, 10.0, [0.0, 0.001, 0.0004, 0.005])
    assert len(found) >= 10 * rate * 0.99


def test_a_fast_pace_goes_in_handfuls() -> None:
    """A loop would come back for every single one otherwise, and its timers are too coarse for that."""
    times = sorted(set(starts(20_000.0, 1.0, [0.0])))
    gaps = [after - before for before, after in pairwise(times)]

    assert min(gaps[1:]) >= HANDFUL_SECONDS * 0.9
