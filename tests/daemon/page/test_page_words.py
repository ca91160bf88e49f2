"""Numbers and times as the page says them."""

from __future__ import annotations

import pytest

from exporter.daemon.ops.page.words import ago, duration, grouped, milliseconds, moment, per_second, size, took


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-3.0, "0.0 s"),
        (0.44, "0.4 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (18_120, "5 h 2 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_moments() -> None:
    assert moment(0.0) == "1970-01-01 00:00:00 UTC"
    assert [ago(at, 100.0) for at in (None, 99.5, 101.0, 97.0, 40.0)] == [
        "never",
        "just now",
        "just now",
        "3 s ago",
        "1 min ago",
    ]


def test_numbers() -> None:
    assert [grouped(each) for each in (None, 0, 12345)] == ["–", "0", "12,345"]
    assert [per_second(each) for each in (None, 0, 0.02, 0.42, 1234.5)] == ["–", "0/s", "< 0.1/s", "0.4/s", "1,234/s"]
    assert [milliseconds(each) for each in (None, 0.84, 120.4, 2500)] == ["–", "0.8 ms", "120 ms", "2.50 s"]
    assert [took(each) for each in (0.002, 0.005, 0.0051, 2.5)] == ["< 5.0 ms", "< 5.0 ms", "5.1 ms", "2.50 s"]
    assert [size(each) for each in (None, 512, 1536, 3 << 30)] == ["–", "512 bytes", "1.5 KiB", "3.0 GiB"]
