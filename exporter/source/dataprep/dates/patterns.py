"""The patterns of Java's date formatter (``yyyy-MM-dd'T'HH:mm:ss.SSSX``): compiled once, to read and to write dates.

The letters mean what the table of Data Prep's documentation says: ``G y Y u M L w W D d F E a H k K h m s S z Z X x V O
Q q``, where ``u`` is the number of the weekday. One letter reads any number of digits, more read exactly as many. Names
are English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from exporter.source.dataprep.dates.writing import MONTHS, WEEKDAYS, WRITERS, Write
from exporter.source.dataprep.dates.zones import parse_zone

_TOKEN = re.compile(r"''|'((?:[^']|'')+)'|([A-Za-z])\2*|([^A-Za-z'])")
_MOST_LETTERS = 9
#: Of a pattern, and of a text that is read by one.
_MOST_CHARACTERS = 100
#: Matches no text.
_NOTHING = "(?!)"
_ZONE = r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+)*(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?"
_OFFSET = r"Z|z|[+-][0-9]{2}(?::?[0-9]{2})?"
#: The most digits that one of these letters reads.
_NUMBERS = {
    **dict.fromkeys("uWFqQ", 1),
    **dict.fromkeys("MLwdHkKhms", 2),
    "D": 3,
}


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
        match = self.reading.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
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
        elif letter not in WRITERS or count > _MOST_LETTERS:
            return f"the date pattern has {token[0]!r}, which has no meaning"
        else:
            reading.append(f"({_reads(letter, count)})")
            letters.append(letter)
            writers.append(WRITERS[letter](count))
    # A letter that stands twice is for writing. To read, it would have two values, and many of them side by side could
    # share digits in more ways than there is time to try.
    source = "".join(reading) if len(set(letters)) == len(letters) else _NOTHING
    letters = [] if source is _NOTHING else letters
    return DatePattern(text, re.compile(source, re.ASCII | re.IGNORECASE), tuple(letters), tuple(writers))


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
