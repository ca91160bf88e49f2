"""What of a latency is the publisher's, which events are an outlier together, and which runs count."""

from __future__ import annotations

import time

import pytest

from benchmarks.control import Control, Sleep, control
from benchmarks.latency import Delivered
from benchmarks.outliers import Outlier, outliers, since_published, told

MS = 1_000_000


def test_the_publishers_call_is_taken_off_and_never_more() -> None:
    calls = [(0, 4 * MS), (10 * MS, 11 * MS)]
    delivered = [Delivered(1 * MS, 0.005), Delivered(10 * MS, 0.0005), Delivered(10 * MS, 0.021)]
    own = since_published(delivered, calls)
    assert [each.queued for each in own] == [4 * MS, 11 * MS, 11 * MS]
    assert [each.seconds for each in own] == pytest.approx([0.002, 0.0, 0.020])


def test_slow_events_close_to_each_other_are_one_outlier() -> None:
    slow = [Delivered(at * MS, 0.015) for at in (0, 5, 30, 100)]
    found = outliers([*slow, Delivered(50 * MS, 0.009)], 0.01)
    assert [(each.begun, each.ended, each.events) for each in found] == [
        (0, 45 * MS, 3),
        (100 * MS, 115 * MS, 1),
    ]
    assert outliers([Delivered(0, 0.01)], 0.01) == []


def test_an_outlier_is_told_with_the_latest_control_meanwhile() -> None:
    slept = Control()
    slept.sleeps = [Sleep(5 * MS, 0.007), Sleep(50 * MS, 0.5)]
    words = told(Outlier(0, 10 * MS, 3, 0.012), 0, [slept])
    assert words == "3 events within 10 ms, at 0.00 s: 12.0 ms at most, a control was late by 7.0 ms"


def test_a_control_sleeps_and_says_how_late_it_was() -> None:
    with control(None) as running:
        time.sleep(0.1)  # in which the control has many sleeps behind it
    assert running.sleeps
    ended = [sleep.ended for sleep in running.sleeps]
    assert ended == sorted(ended)
    assert running.between(ended[0], ended[0]) == [running.sleeps[0]]
