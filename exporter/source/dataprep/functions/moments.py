"""The functions on dates and times. Dates are in UTC, but for those which a function puts into another zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from exporter.source.dataprep.dates.forms import of_epoch
from exporter.source.dataprep.dates.patterns import DatePattern
from exporter.source.dataprep.dates.writing import quarter
from exporter.source.dataprep.functions.signatures import CONVERSIONS, Argument, Example, Function, Type
from exporter.source.dataprep.run import Failed, Run

CATEGORY = "Date / Time"

_DATE = Argument("date", Type.DATE, "the date")
_FORMAT = Argument("format", Type.DATE_PATTERN, "a pattern of Java's formatter")
_PART = Argument("component", Type.TEXT, "the name of the part, in any case")


def _now(run: Run) -> datetime:
    moment = of_epoch(run.now)
    if moment is None:
        raise Failed("the time of now is out of range")
    return moment


def _date(
    _run: Run, text: object, pattern: DatePattern | None = None, otherwise: datetime | None = None
) -> datetime | None:
    if text is None:
        return otherwise
    if pattern is None or not isinstance(text, str):
        moment: datetime = CONVERSIONS[Type.DATE](text)
        return moment
    found = pattern.read(text)
    if found is None:
        raise Failed(f"the text is no date in the pattern {pattern.text}")
    return found


def _format(run: Run, date: datetime, pattern: DatePattern) -> str:
    try:
        return run.bounded_text(pattern.write(date))
    except (ValueError, OverflowError):
        raise Failed("the date is out of range") from None


def _dformat(run: Run, milliseconds: int, pattern: DatePattern) -> str:
    moment = of_epoch(milliseconds)
    if moment is None:
        raise Failed("the timestamp is out of range")
    return _format(run, moment, pattern)


_PARTS: dict[str, Callable[[datetime], int]] = {
    **dict.fromkeys(("year", "yyyy", "yy"), lambda date: date.year),
    **dict.fromkeys(("quarter", "qq", "q"), quarter),
    **dict.fromkeys(("month", "mm", "m"), lambda date: date.month),
    **dict.fromkeys(("dayofyear", "dy", "y"), lambda date: date.timetuple().tm_yday),
    **dict.fromkeys(("day", "dd", "d"), lambda date: date.day),
    **dict.fromkeys(("week", "ww", "w"), lambda date: date.isocalendar().week),
    **dict.fromkeys(("weekday", "dw"), lambda date: date.isoweekday()),
    **dict.fromkeys(("hour", "hh", "hh24"), lambda date: date.hour),
    "hh12": lambda date: date.hour % 12 or 12,
    **dict.fromkeys(("minute", "mi", "n"), lambda date: date.minute),
    **dict.fromkeys(("second", "ss", "s"), lambda date: date.second),
    **dict.fromkeys(("millisecond", "ms", "sss"), lambda date: date.microsecond // 1000),
}
_SETTABLE = {
    **dict.fromkeys(("year", "yyyy", "yy"), "year"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("day", "dd", "d"), "day"),
    **dict.fromkeys(("hour", "hh", "hh24"), "hour"),
    **dict.fromkeys(("minute", "mi", "n"), "minute"),
    **dict.fromkeys(("second", "ss", "s"), "second"),
}


def _part(_run: Run, part: str, date: datetime) -> int:
    reading = _PARTS.get(part.lower())
    if reading is None:
        raise Failed("the component is no part of a date")
    return reading(date)


def _set_part(_run: Run, part: str, value: int, date: datetime) -> datetime:
    name = _SETTABLE.get(part.lower())
    if name is None:
        raise Failed("the component is no part of a date that can be set")
    try:
        return date.replace(**{name: value})  # type: ignore[arg-type] # every part that can be set is a number
    except (ValueError, OverflowError):
        raise Failed(f"there is no such {name}") from None


def _made(
    _run: Run, year: int, month: int, day: int, hour: int, minute: int, second: int, nanosecond: int, zone: tzinfo
) -> datetime:
    try:
        return datetime(year, month, day, hour, minute, second, nanosecond // 1000, tzinfo=zone)
    except (ValueError, OverflowError):
        raise Failed("there is no such date") from None


def _to_zone(_run: Run, date: datetime, zone: tzinfo) -> datetime:
    try:
        return date.astimezone(zone)
    except (ValueError, OverflowError):
        raise Failed("the date is out of range") from None


_NUMBERS = tuple(
    Argument(name, Type.INTEGER, meaning)
    for name, meaning in (
        *(("year", "four digits"), ("month", "1 to 12"), ("day", "1 to 31"), ("hour", "0 to 23")),
        *(("minute", "0 to 59"), ("second", "0 to 59"), ("nanosecond", "0 to 999999999")),
    )
)
_PART_NAMES = (
    "year yyyy yy, quarter qq q, month mm m, dayofyear dy y, day dd d, week ww w (ISO), weekday dw (1 is Monday), "
    "hour hh hh24 hh12, minute mi n, second ss s, millisecond ms sss"
)
FUNCTIONS: tuple[Function, ...] = (
    Function("now", CATEGORY, "The time at which the record is mapped", (), Type.DATE, _now, (Example("now()", None),)),
    Function(
        "timestamp",
        CATEGORY,
        "The time at which the record is mapped, in milliseconds since 1970",
        (),
        Type.INTEGER,
        lambda run: run.now,
        (Example("timestamp()", None),),
    ),
    Function(
        "date",
        CATEGORY,
        "The date that a text names, in UTC",
        (
            Argument("date", Type.ANY, "the text; a number is milliseconds since 1970", nulls=True),
            Argument(
                "format", Type.DATE_PATTERN, "the pattern of the text; else common forms", optional=True, nulls=True
            ),
            Argument("default", Type.DATE, "the result where the text is null", optional=True, nulls=True),
        ),
        Type.DATE,
        _date,
        (
            Example('date("2019-10-23 11:24")', '"2019-10-23T11:24:00Z"'),
            Example('date("2019-10-23 11:24", "yyyy-MM-dd HH:mm")', '"2019-10-23T11:24:00Z"'),
            Example('date("2019-10-23 11:24", "yyyy-MM-dd HH:mm", now())', '"2019-10-23T11:24:00Z"'),
            Example("date(null, 'yyyy', date('2020-01-01'))", '"2020-01-01T00:00:00Z"'),
        ),
    ),
    Function(
        "format",
        CATEGORY,
        "The date as text in a pattern",
        (_DATE, _FORMAT),
        Type.TEXT,
        _format,
        (Example('format(date("2019-10-23T11:24:35Z"), "yyyy-MM-dd HH:mm:ss")', '"2019-10-23 11:24:35"'),),
    ),
    Function(
        "dformat",
        CATEGORY,
        "A time in milliseconds since 1970 as text in a pattern",
        (Argument("timestamp", Type.INTEGER, "the milliseconds"), _FORMAT),
        Type.TEXT,
        _dformat,
        (Example("dformat(1571829875000, \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")", '"2019-10-23T11:24:35.000Z"'),),
    ),
    Function(
        "date_part",
        CATEGORY,
        f"A part of a date: {_PART_NAMES}",
        (_PART, _DATE),
        Type.INTEGER,
        _part,
        (
            Example('date_part("MM", date("2019-10-17 11:55:12"))', "10"),
            Example("date_part('hh12', '2019-10-17T13:00:00Z')", "1"),
        ),
    ),
    Function(
        "set_date_part",
        CATEGORY,
        "The date with another year, month, day, hour, minute or second",
        (_PART, Argument("value", Type.INTEGER, "the new value"), _DATE),
        Type.DATE,
        _set_part,
        (Example('set_date_part("m", 4, date("2016-11-09T11:44:44.797"))', '"2016-04-09T11:44:44Z"'),),
    ),
    Function(
        "make_date_time",
        CATEGORY,
        "The date of these parts; as text it is the wall clock of its zone",
        (*_NUMBERS, Argument("timezone", Type.ZONE, "the zone")),
        Type.DATE,
        _made,
        (Example('make_date_time(2019, 10, 17, 11, 55, 12, 999, "America/Los_Angeles")', '"2019-10-17T11:55:12Z"'),),
        ("make_timestamp",),
    ),
    Function(
        "zone_date_to_utc",
        CATEGORY,
        "The date in UTC",
        (_DATE,),
        Type.DATE,
        lambda run, date: _to_zone(run, date, UTC),
        (
            Example("zone_date_to_utc('2019-10-17T11:55:12 PST')", '"2019-10-17T19:55:12Z"'),
            Example(
                "zone_date_to_utc(make_date_time(2019, 10, 17, 11, 55, 12, 0, 'America/Los_Angeles'))",
                '"2019-10-17T18:55:12Z"',
            ),
        ),
    ),
    Function(
        "zone_date_to_zone",
        CATEGORY,
        "The date in another zone; as text it is the wall clock there",
        (_DATE, Argument("zone", Type.ZONE, "the zone")),
        Type.DATE,
        _to_zone,
        (Example('zone_date_to_zone("2021-10-26T13:43:59Z", "Europe/Paris")', '"2021-10-26T15:43:59Z"'),),
    ),
)
