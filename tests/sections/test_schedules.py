"""The waits between tries: how long, and how far chance moves them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from exporter.sections.schedules import probe_delay, reach_delay, retry_delay


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def test_retries_wait_as_configured_and_the_last_one_from_then_on() -> None:
    delay = retry_delay((15, 30))
    assert [delay(n) for n in range(4)] == [15, 30, 30, 30]


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (probe_delay(middle), [1, 2, 4, 8, 16, 32, 60, 60]),
        # However often it was asked before, a queue is asked again soon.
        (reach_delay(middle), [1, 2, 4, 4, 4, 4, 4, 4]),
    ],
    ids=["a probe", "the queue"],
)
def test_waits_double_up_to_a_bound(delay: Callable[[int], float], seconds: list[float]) -> None:
    assert [delay(n) for n in range(8)] == pytest.approx(seconds)


@pytest.mark.parametrize("made", [probe_delay, reach_delay])
def test_chance_moves_a_wait_by_a_fifth_at_most(made: Callable[..., Callable[[int], float]]) -> None:
    delay = made(random.Random(7).uniform)
    waits = [delay(2) for _ in range(500)]
    assert 3.2 <= min(waits) < 3.3 < 4.7 < max(waits) <= 4.8
