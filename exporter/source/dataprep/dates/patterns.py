"""The patterns of Java's date formatter (``yyyy-MM-dd'T'HH:mm:ss.SSSX``): compiled once, to read and to write dates.

The letters mean what the table of Data Prep's documentation says: ``G y Y u M L w W D d F E a H k K h m s S z Z X x V O
Q q``, where ``u`` is the number of the weekday. One letter reads any number of digits, more read exactly as many. Names
are English.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from exporter.source.dataprep.dates.zones import parse_zone, zone_name

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August")
MONTHS = (*_MONTHS, "September", "October", "November", "December")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOKEN = re.compile(r"''|'((?:[^']|'')+)'|([A-Za-z])\2*|([^A-Za-z'])")
_MOST_LETTERS = 9
_MOST_CHARACTERS = 100
_ZONE = r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+)*(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?"
_OFFSET = r"Z|z|[+-][0-9]{2}(?::?[0-9]{2})?"
_NUMBERS = {
    "u": 1,
    "W": 1,
    "F": 1,
    "q": 1,
    "Q": 1,
    "M": 2,
    "L": 2,
    "w": 2,
    "D": 3,
    "d": 2,
    "H": 2,
    "k": 2,
    "K": 2,
    "h": 2,
    "m": 2,
    "s": 2,
}

Write = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A compiled pattern; ``letters`` are those that its groups read, in their order."""

    text: str
    reading: re.Pattern[str]
    letters: tuple[str, ...]
    writers: tuple[Write, ...]

    def write(self, moment: datetime) -> str:
        """``moment`` in this pattern. ``moment`` has a zone."""
        return "".join([write(moment) for write in self.writers])

    def read(self, text: str) -> datetime | None:
        """The moment that ``text`` names, in UTC; None if the text does not match or there is no such date.

        What the pattern lacks is the beginning of 1970; a text without a zone is in UTC.
        """
        match = self.reading.fullmatch(text)
        if match is None:
            return None
        fields = dict(zip(self.letters, match.groups(), strict=True))
        try:
            return _moment(fields)
        except (ValueError, OverflowError):
            return None


def compile_date_pattern(text: str) -> DatePattern | str:
    """The pattern that ``text`` is, or why it is none, in a few words. Never raises."""
    if len(text) > _MOST_CHARACTERS:
        return f"the date pattern is longer than {_MOST_CHARACTERS} characters"
    reading: list[str] = []
    letters: list[str] = []
    writers: list[Write] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return "the date pattern has a quote that does not end"
        at = token.end()
        letter, count = token[2], len(token[0])
        if letter is None:
            literal = token[3] or (token[1] or "'").replace("''", "'")
            reading.append(re.escape(literal))
            writers.append(lambda _, literal=literal: literal)  # type: ignore[misc] # mypy sees no default in a lambda
        elif letter not in _WRITERS or count > _MOST_LETTERS:
            return f"the date pattern has {token[0]!r}, which has no meaning"
        else:
            reading.append(f"({_reads(letter, count)})")
            letters.append(letter)
            writers.append(_WRITERS[letter](count))
    return DatePattern(text, re.compile("".join(reading), re.ASCII | re.IGNORECASE), tuple(letters), tuple(writers))


def _reads(letter: str, count: int) -> str:
    """The expression for what ``count`` times ``letter`` reads."""
    if letter in "ML" and count >= 3:
        return "|".join(name if count > 3 else name[:3] for name in MONTHS)
    if letter in "yY":
        return f"[0-9]{{{count}}}" if count > 1 else "[0-9]{1,4}"
    if letter == "S":
        return f"[0-9]{{{count}}}" if count > 1 else "[0-9]{1,9}"
    if letter in _NUMBERS:
        return f"[0-9]{{{count}}}" if count > 1 else f"[0-9]{{1,{_NUMBERS[letter]}}}"
    if letter == "E":
        return "|".join(name if count > 3 else name[:3] for name in WEEKDAYS)
    if letter == "a":
        return "AM|PM"
    if letter == "G":
        return "AD|CE|Anno Domini"
    return _OFFSET if letter in "XxZ" else f"{_OFFSET}|{_ZONE}"


def _moment(fields: dict[str, str]) -> datetime:
    """The moment of the fields that a pattern has read; raises ``ValueError`` where there is no such date."""
    year_text = fields.get("y") or fields.get("Y") or "1970"
    year = int(year_text) + (2000 if len(year_text) == 2 else 0)
    month_text = fields.get("M") or fields.get("L") or "1"
    month = int(month_text) if month_text.isdigit() else 1 + _month(month_text)
    hour = int(fields.get("H", fields.get("k", "0"))) % (24 if "k" in fields else 100)
    if "h" in fields or "K" in fields:
        hour = int(fields.get("h", fields.get("K", "0")))
        if hour > 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if fields.get("a", "AM").upper() == "PM" else 0)
    micro = int(fields.get("S", "0").ljust(6, "0")[:6])
    zone: tzinfo | None = UTC
    for letter in "XxZzVO":
        if letter in fields:
            zone = parse_zone(fields[letter])
            if zone is None:
                raise ValueError(fields[letter])
    day = int(fields.get("d", "1"))
    found = datetime(year, month, day, hour, int(fields.get("m", "0")), int(fields.get("s", "0")), micro, tzinfo=zone)
    if "D" in fields:
        found += timedelta(days=int(fields["D"]) - found.timetuple().tm_yday)
        if found.year != year:
            raise ValueError(fields["D"])
    return found.astimezone(UTC)


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS) if month[:3].lower() == name[:3].lower())


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


def _gmt_offset(_: int) -> Write:
    def write(moment: datetime) -> str:
        if not moment.utcoffset():
            return "GMT"
        sign, rest = (text := _offset(moment, True, False))[0], text[1:]
        return f"GMT{sign}{rest.removeprefix('0')}"

    return write


_WRITERS: dict[str, Callable[[int], Write]] = {
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
    "z": lambda _: lambda moment: moment.tzname() or "UTC",
    "Z": lambda count: lambda moment: _offset(moment, count > 4, True),
    "X": lambda count: _iso_offset(count, True),
    "x": lambda count: _iso_offset(count, False),
    "V": lambda _: lambda moment: zone_name(moment.tzinfo),
    "O": _gmt_offset,
    "Q": _quarter_writer,
    "q": _quarter_writer,
}
