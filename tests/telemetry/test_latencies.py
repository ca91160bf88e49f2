"""Quantiles of recent attempts, from snapshots of a histogram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.telemetry.counting import Histogram
from exporter.telemetry.latencies import RECENT_SECONDS, SNAPSHOT_SECONDS, Latencies, RecentLatencies
from exporter.telemetry.metrics import ATTEMPT_BUCKETS

SNAPSHOTS = round(RECENT_SECONDS / SNAPSHOT_SECONDS)


def test_there_are_none_before_the_first_attempt() -> None:
    assert RecentLatencies(Histogram((1.0,)), (1.0,)).latencies() is None


def test_within_a_bucket_they_lie_on_a_straight_line() -> None:
    histogram = Histogram((1.0, 2.0, 4.0))
    recent = RecentLatencies(histogram, (1.0, 2.0, 4.0))
    for _ in range(100):
        histogram.observe(1.5)
    assert recent.latencies() == Latencies(1.5, 1.95, 1.99)


def test_beyond_the_last_bucket_they_are_its_bound() -> None:
    histogram = Histogram((1.0, 2.0))
    recent = RecentLatencies(histogram, (1.0, 2.0))
    for amount in (0.5, 70.0, 80.0):
        histogram.observe(amount)
    assert recent.latencies() == Latencies(2.0, 2.0, 2.0)


def test_what_is_long_ago_counts_no_more() -> None:
    histogram = Histogram((1.0, 2.0))
    recent = RecentLatencies(histogram, (1.0, 2.0))
    histogram.observe(2.0)
    for _ in range(SNAPSHOTS - 1):
        recent.snapshot()
    assert recent.latencies() is not None
    recent.snapshot()
    assert recent.latencies() is None
    histogram.observe(0.5)
    assert recent.latencies() == Latencies(0.5, 0.95, 0.99)


@given(st.lists(st.floats(0.0, 100.0), min_size=1))
def test_they_grow_and_lie_in_the_bucket_of_the_true_quantile(amounts: list[float]) -> None:
    histogram = Histogram(ATTEMPT_BUCKETS)
    recent = RecentLatencies(histogram, ATTEMPT_BUCKETS)
    for amount in amounts:
        histogram.observe(amount)
    found = recent.latencies()
    assert found is not None
    assert 0 <= found.p50 <= found.p95 <= found.p99 <= ATTEMPT_BUCKETS[-1]
    for part, quantile in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
        rank = part * len(amounts)
        true = next(each for place, each in enumerate(sorted(amounts), 1) if place >= rank)
        upper = next((bound for bound in ATTEMPT_BUCKETS if true <= bound), ATTEMPT_BUCKETS[-1])
        lower = max((bound for bound in ATTEMPT_BUCKETS if bound < true), default=0.0)
        assert pytest.approx(min(max(quantile, lower), upper), abs=1e-6) == quantile
