"""The times that events carry."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.profile.event.times import moment, parse_time

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
        ("2026-11-20T12:00Z", NOON),
        ("2026-11-20T12:00", NOON),
        ("2026-11-20T12:00:00", NOON),
        ("2026-11-20 12:00:00.25", NOON + 0.25),
        ("2026-11-20 12:00:00 UTC", NOON),
        ("2026-11-20T12:00:00,250Z", NOON + 0.25),
        ("2026-11-20T13:00+01", NOON),
        ("2026-11-20 13:00:00 +0100", NOON),
        ("2026-11-20T13:00+01:00[Europe/Paris]", NOON),
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
        *("", "now", "2026-11-20", "20261120T120000Z", "1795176000", "2026-11-20T12Z", "2026-11-20T12:00:00ZZ"),
        *("2026-13-20T12:00:00Z", "2026-02-30T12:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T12:60:00Z"),
        *("2026-11-20T12:00:61Z", "2026-11-20T12:00:00+5", "2026-11-20T12:00:00+24:00", "2026-11-20T12:00:00.Z"),
        *("2026-11-20T12:00:00Z ", "2026-11-20T12:00:00Z\n", "٢٠٢٦-11-20T12:00:00Z", "0000-01-01T00:00:00Z"),
        *("2026-11-20T12:00.5Z", "2026-W47-5T12:00:00Z", "2026-11-20T12:00:00  Z", "2026-11-20T12:00:00 "),
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1795176000, NOON),
        (1795176000.25, NOON + 0.25),
        (1795176000000, NOON),
        (1795176000250.0, NOON + 0.25),
        (1795176000250000, NOON + 0.25),
        (1795176000250000000, NOON + 0.25),
        (0, 0.0),
        (-1, -1.0),
        (1e20, None),
        (float("inf"), None),
        ("1795176000", NOON),
        ("1795176000.25", NOON + 0.25),
        ("1795176000000", NOON),
        ("2026-11-20T12:00Z", NOON),
        ("1e9", None),
        ("0x10", None),
        ("1" * 5000, None),
        ("٣", None),
        ("", None),
    ],
)
def test_a_moment_may_also_be_a_number_of_seconds_or_of_less(given: str | float, seconds: float | None) -> None:
    assert moment(given) == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(min_value=datetime(2, 1, 2), max_value=datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_every_time_that_python_writes_is_read(moment: datetime) -> None:
    found = parse_time(moment.isoformat())
    assert found is not None
    assert abs(found - moment.astimezone(UTC).timestamp()) < 1e-4


PLAIN = "2026-11-20T12:00:00Z"
PLAIN_LIKE = st.lists(st.tuples(st.integers(0, 19), st.sampled_from("0123456789-:.,TtZzW+ ٣")), max_size=3).map(
    lambda edits: functools.reduce(lambda text, edit: text[: edit[0]] + edit[1] + text[edit[0] + 1 :], edits, PLAIN)
)


@settings(max_examples=500)
@given(PLAIN_LIKE)
def test_what_looks_like_the_usual_form_is_read_like_any_other(text: str) -> None:
    with_a_fraction = (
        f"{text[:19]}.000{text[19:]}" if re.fullmatch("[0-9]{2}([^0-9.,].*)?", text[17:], re.ASCII) else None
    )
    found = parse_time(text)
    if found is not None:
        assert re.fullmatch("[0-9]{4}(-[0-9]{2}){2}[Tt ][0-9]{2}(:[0-9]{2}){1,2}.*", text, re.ASCII)
    if with_a_fraction is not None:
        assert parse_time(with_a_fraction) == found
