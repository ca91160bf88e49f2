"""The times that events carry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.profile.times import parse_time

NOON = 1795176000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20T12:00:00Z", NOON),
        ("2026-11-20t12:00:00z", NOON),
        ("2026-11-20 12:00:00Z", NOON),
        ("2026-11-20T12:00:00+00:00", NOON),
        ("2026-11-20T12:00:00+0000", NOON),
        ("2026-11-20T12:00:00-00:00", NOON),
        ("2026-11-20T17:30:00+05:30", NOON),
        ("2026-11-20T17:30:00+0530", NOON),
        ("2026-11-20T04:00:00-08:00", NOON),
        ("2026-11-20T12:00:00.25Z", NOON + 0.25),
        ("2026-11-20T12:00:00.250000000000Z", NOON + 0.25),
        ("2026-11-20T11:59:60Z", NOON),
        ("1970-01-01T00:00:00Z", 0.0),
        ("1969-12-31T23:59:59.5Z", -0.5),
        ("0001-01-01T00:00:00Z", -62135596800.0),
    ],
)
def test_a_time_is_epoch_seconds(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-11-20", "2026-11-20T12:00:00", "2026-11-20T12:00Z", "20261120T120000Z", "1795176000"),
        *("2026-13-20T12:00:00Z", "2026-02-30T12:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T12:60:00Z"),
        *("2026-11-20T12:00:61Z", "2026-11-20T12:00:00+05", "2026-11-20T12:00:00+24:00", "2026-11-20T12:00:00.Z"),
        *("2026-11-20T12:00:00Z ", "2026-11-20T12:00:00Z\n", "٢٠٢٦-11-20T12:00:00Z", "0000-01-01T00:00:00Z"),
        *("2026-11-20T12:00:00,5Z", "2026-W47-5T12:00:00Z"),
    ],
)
def test_what_is_no_rfc_3339_time_is_none(text: str) -> None:
    assert parse_time(text) is None


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(2, 1, 2), max_value=datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_every_time_that_python_writes_is_read(moment: datetime) -> None:
    found = parse_time(moment.isoformat())
    assert found is not None
    assert abs(found - moment.astimezone(UTC).timestamp()) < 1e-4
