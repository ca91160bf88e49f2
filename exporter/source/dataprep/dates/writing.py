"""What each letter of a date pattern writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from exporter.source.dataprep.dates.zones import zone_name

Write = Callable[[datetime], str]

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August")
MONTHS = (*_MONTHS, "September", "October", "November", "December")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _number(value: Callable[[datetime], int]) -> Callable[[int], Write]:
    return lambda count: lambda moment: str(value(moment)).zfill(count)


def _year(value: Callable[[datetime], int]) -> Callable[[int], Write]:
    return lambda count: lambda moment: f"{value(moment) % 100:02}" if count == 2 else str(value(moment)).zfill(count)


def _name(names: tuple[str, ...], value: Callable[[datetime], int]) -> Callable[[int], Write]:
    def writer(count: int) -> Write:
        end = {4: None, 5: 1}.get(count, 3)
        return lambda moment: names[value(moment)][:end]

    return writer


def _month_writer(count: int) -> Write:
    if count < 3:
        return _number(lambda moment: moment.month)(count)
    return _name(MONTHS, lambda moment: moment.month - 1)(count)


def _quarter_writer(count: int) -> Write:
    forms = {3: "Q{0}", 4: "{0}{1} quarter"}
    form = forms.get(count, "{0:0" + str(count) + "}")
    endings = ("st", "nd", "rd", "th")
    return lambda moment: form.format(quarter(moment), endings[quarter(moment) - 1])


def quarter(moment: datetime) -> int:
    return (moment.month + 2) // 3


def _offset(moment: datetime, colon: bool, minutes: bool) -> str:
    distance = moment.utcoffset() or timedelta()
    total = abs(int(distance.total_seconds())) // 60
    hours, rest = divmod(total, 60)
    sign = "-" if distance < timedelta() else "+"
    if not minutes and not rest:
        return f"{sign}{hours:02}"
    return f"{sign}{hours:02}{':' if colon else ''}{rest:02}"


def _iso_offset(count: int, zulu: bool) -> Write:
    def write(moment: datetime) -> str:
        return "Z" if zulu and not moment.utcoffset() else _offset(moment, count % 2 == 1 and count > 1, count > 1)

    return write


def _gmt_offset(full: bool) -> Write:
    """``GMT+8``, or in full ``GMT+08:00``."""

    def write(moment: datetime) -> str:
        if not moment.utcoffset():
            return "GMT"
        text = _offset(moment, True, full)
        return "GMT" + (text if full else text[0] + text[1:].removeprefix("0"))

    return write


def _rfc_offset(count: int) -> Write:
    """``-0800``; four letters: ``GMT-08:00``, five: ``-08:00``."""
    if count == 4:
        return _gmt_offset(True)
    return _iso_offset(3, True) if count > 4 else lambda moment: _offset(moment, False, True)


def _zone(name: Callable[[datetime], str | None]) -> Callable[[int], Write]:
    """The name of a region's zone, else the offset."""

    def write(moment: datetime) -> str:
        if isinstance(moment.tzinfo, timezone):
            return _offset(moment, True, True) if moment.utcoffset() else "UTC"
        return name(moment) or "UTC"

    return lambda _: write


#: For each letter, what writes so many of them.
WRITERS: dict[str, Callable[[int], Write]] = {
    "G": lambda count: lambda _: "Anno Domini" if count == 4 else "AD",
    "y": _year(lambda moment: moment.year),
    "Y": _year(lambda moment: moment.isocalendar().year),
    "u": _number(lambda moment: moment.isoweekday()),
    "M": _month_writer,
    "L": _month_writer,
    "w": _number(lambda moment: moment.isocalendar().week),
    "W": _number(lambda moment: (moment.day + moment.replace(day=1).weekday() - 1) // 7 + 1),
    "D": _number(lambda moment: moment.timetuple().tm_yday),
    "d": _number(lambda moment: moment.day),
    "F": _number(lambda moment: (moment.day - 1) // 7 + 1),
    "E": _name(WEEKDAYS, lambda moment: moment.weekday()),
    "a": lambda _: lambda moment: "AM" if moment.hour < 12 else "PM",
    "H": _number(lambda moment: moment.hour),
    "k": _number(lambda moment: moment.hour or 24),
    "K": _number(lambda moment: moment.hour % 12),
    "h": _number(lambda moment: moment.hour % 12 or 12),
    "m": _number(lambda moment: moment.minute),
    "s": _number(lambda moment: moment.second),
    "S": lambda count: lambda moment: f"{moment.microsecond:06}".ljust(count, "0")[:count],
    "z": _zone(lambda moment: moment.tzname()),
    "Z": _rfc_offset,
    "X": lambda count: _iso_offset(count, True),
    "x": lambda count: _iso_offset(count, False),
    "V": _zone(lambda moment: zone_name(moment.tzinfo)),
    "O": lambda count: _gmt_offset(count > 3),
    "Q": _quarter_writer,
    "q": _quarter_writer,
}
