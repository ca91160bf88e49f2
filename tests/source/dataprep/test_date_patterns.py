"""Java's date patterns, zones, and the forms that are known without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.dataprep.dates.forms import FORMS, is_date, is_date_time, moment_text, parse_date
from exporter.source.dataprep.dates.patterns import DatePattern, compile_date_pattern
from exporter.source.dataprep.dates.zones import parse_zone

MOMENT = datetime(2021, 3, 7, 15, 4, 5, 678000, tzinfo=timezone(timedelta(hours=-8)))


def pattern(text: str) -> DatePattern:
    found = compile_date_pattern(text)
    assert isinstance(found, DatePattern), found
    return found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2021-03-07T15:04:05.678-08"),
        ("yy M d H m s S", "21 3 7 15 4 5 6"),
        ("MMM MMMM MMMMM LLL", "Mar March M Mar"),
        ("E EEE EEEE u", "Sun Sun Sunday 7"),
        ("hh:mm a K k", "03:04 PM 3 15"),
        ("D w W F Q QQQ QQQQ q", "66 9 1 1 1 Q1 1st quarter 1"),
        ("Z XX XXX x O", "-0800 -0800 -08:00 -08 GMT-8"),
        ("ZZZZ ZZZZZ OOOO z VV", "GMT-08:00 -08:00 GMT-08:00 -08:00 -08:00"),
        ("G '' 'at' ''", "AD ' at '"),
        ("YYYY", "2021"),
        ("SSSSSS", "678000"),
    ],
)
def test_what_a_pattern_writes(text: str, written: str) -> None:
    assert pattern(text).write(MOMENT) == written


@pytest.mark.parametrize(
    ("text", "given_text", "read"),
    [
        ("yyyy-MM-dd HH:mm", "2019-10-23 11:24", "2019-10-23T11:24:00Z"),
        ("dd/MM/yy", "23/10/19", "2019-10-23T00:00:00Z"),
        ("d MMMM yyyy", "23 october 2019", "2019-10-23T00:00:00Z"),
        ("M/d/yyyy h:mm a", "1/2/2019 12:05 AM", "2019-01-02T00:05:00Z"),
        ("M/d/yyyy h:mm a", "1/2/2019 12:05 pm", "2019-01-02T12:05:00Z"),
        ("yyyy-MM-dd HH:mm:ss z", "2019-10-17 11:55:12 PST", "2019-10-17T19:55:12Z"),
        ("yyyy-MM-dd HH:mm VV", "2019-10-17 11:55 Europe/Paris", "2019-10-17T09:55:00Z"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2019-10-17T11:55:12+02:00", "2019-10-17T09:55:12Z"),
        ("yyyyDDD", "2020366", "2020-12-31T00:00:00Z"),
        ("EEE, dd MMM yyyy", "Wed, 23 Oct 2019", "2019-10-23T00:00:00Z"),
        ("HH:mm", "11:24", "1970-01-01T11:24:00Z"),
        ("yyyy-MM-dd kk", "2019-10-23 24", "2019-10-23T00:00:00Z"),
        ("yyyy-MM-dd", "2019-02-29", None),
        ("yyyy-MM-dd", "2019-2-9", None),
        ("yyyyDDD", "2019366", None),
        ("hh", "13", None),
        ("d.d", "1.1", None),
        ("yyyy", "2" * 101, None),
        ("yMdHmsSDu" + "'" + "x" * 40 + "'", "1" * 60, None),
        ("yyyy z", "2019 XYZ", None),
        ("yyyy-MM-dd HH:mmX", "0001-01-01 00:00+12", None),
    ],
)
def test_what_a_pattern_reads(text: str, given_text: str, read: str | None) -> None:
    found = pattern(text).read(given_text)
    assert (found and moment_text(found)) == read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yyyy-mm-dd'T", "the date pattern has a quote that does not end"),
        ("bb", "the date pattern has 'bb', which has no meaning"),
        ("y" * 10, "the date pattern has 'yyyyyyyyyy', which has no meaning"),
        (" " * 101, "the date pattern is longer than 100 characters"),
    ],
)
def test_what_is_no_pattern(text: str, reason: str) -> None:
    assert compile_date_pattern(text) == reason


@given(st.datetimes(min_value=datetime.fromisoformat("1000-01-01")), st.sampled_from(["XXX", "Z", "X"]))
def test_what_is_written_is_read(moment: datetime, zone: str) -> None:
    both = pattern(f"yyyy-MM-dd'T'HH:mm:ss.SSSSSS{zone}")
    aware = moment.replace(tzinfo=UTC)
    assert both.read(both.write(aware)) == aware


@given(st.text(max_size=30), st.datetimes(timezones=st.just(UTC)))
def test_any_text_is_a_pattern_or_is_not(text: str, moment: datetime) -> None:
    found = compile_date_pattern(text)
    if isinstance(found, DatePattern):
        found.read(found.write(moment))


def test_the_documented_forms_are_known() -> None:
    assert len(FORMS) == 18 + 4


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2019-10-23 11:24:35+0000", "2019-10-23T11:24:35Z"),
        ("2019-10-23 11:24:35.797+0100", "2019-10-23T10:24:35Z"),
        ("2019-10-23 11:24:35.797", "2019-10-23T11:24:35Z"),
        ("2019-10-23T11:24:35.797+01", "2019-10-23T10:24:35Z"),
        ("2019-10-23T11:24:35Z", "2019-10-23T11:24:35Z"),
        ("2019-10-23T11:24Z", "2019-10-23T11:24:00Z"),
        ("2019-10-23 11:24", "2019-10-23T11:24:00Z"),
        ("2019-10-23", "2019-10-23T00:00:00Z"),
        ("2019/10/23", "2019-10-23T00:00:00Z"),
        ("2019.10.23", "2019-10-23T00:00:00Z"),
        ("2019-Oct-23", "2019-10-23T00:00:00Z"),
        ("20191023", "2019-10-23T00:00:00Z"),
        ("10-23-2019", "2019-10-23T00:00:00Z"),
        ("10232019", "2019-10-23T00:00:00Z"),
        ("1/23/2019", "2019-01-23T00:00:00Z"),
        ("23.1.2019", "2019-01-23T00:00:00Z"),
        ("1/23/2019 01:02:03 PM", "2019-01-23T13:02:03Z"),
        ("23.1.2019 01:02:03 AM", "2019-01-23T01:02:03Z"),
        ("23.Oct.2019", "2019-10-23T00:00:00Z"),
        ("23-Oct-2019", "2019-10-23T00:00:00Z"),
        ("2024-05-05 20:39:00.005 PST", "2024-05-06T04:39:00Z"),
        ("Oct 23, 2019", None),
        ("2019-13-01", None),
        ("", None),
        ("2" * 100, None),
    ],
)
def test_dates_without_a_pattern(text: str, read: str | None) -> None:
    found = parse_date(text)
    assert (found and moment_text(found)) == read


@pytest.mark.parametrize(
    ("text", "there"),
    [
        *(("UTC", True), ("Z", True), ("pst", True), ("+01:00", True), ("-0800", True), ("GMT+1", True)),
        *(("Europe/Paris", True), ("America/Argentina/Salta", True), ("+19:00", False), ("", False), ("Mars", False)),
        *(("../../etc/passwd", False), ("Europe", False), ("a/" * 100, False), ("Europe/Paris\x00", False)),
    ],
)
def test_zones(text: str, there: bool) -> None:
    assert (parse_zone(text) is not None) is there


@pytest.mark.parametrize(
    ("text", "date_time", "date"),
    [
        *(("2019-10-23T11:24:35Z", True, False), ("2019-10-23T11:24:35.1+02:00", True, False)),
        *(("2019-10-23", False, True), ("2019-02-30", False, False), ("2019-02-30T00:00:00Z", False, False)),
        *(("2019-10-23T11:24:35", False, False), ("2019-10-23T11:24:35+0200", False, False), ("x", False, False)),
    ],
)
def test_what_is_rfc_3339(text: str, date_time: bool, date: bool) -> None:
    assert (is_date_time(text), is_date(text)) == (date_time, date)
