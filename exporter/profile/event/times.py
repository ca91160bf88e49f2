"""Reads the times that events carry: RFC 3339, and common deviations of producers."""

from __future__ import annotations

import re
from datetime import datetime

#: The shape of nearly all times, and of no other ISO 8601 form.
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?!24)[0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?: ?(?:([Zz]|UTC|GMT)|([+-][0-9]{2})(?::?([0-9]{2}))?)(?:\[[^\[\]]+\])?)?"
)
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]+)?")
#: Seconds until the year 5138; a larger number counts in a smaller unit, down to nanoseconds.
_MOST_SECONDS = 1e11
_UNITS = (1.0, 1e3, 1e6, 1e9)


def parse_time(text: str) -> float | None:
    """Epoch seconds of a date and time; None if ``text`` is no date and time.

    Read are RFC 3339 and common deviations: an offset may lack the colon or the minutes (``+0000``, ``+01``) or be
    missing, which means UTC, as ``UTC`` and ``GMT`` do; seconds may be missing (``10:15Z``); a space may stand for the
    ``T`` and before the offset, a comma for the point, and a zone's name in brackets after the offset. A leap second
    counts as the next second, as in POSIX time.
    """
    if _PLAIN.fullmatch(text):
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass  # a leap second, or no time
    parts = _DATE_TIME.fullmatch(text)
    if parts is None:
        return None
    date, hour_minute, second, fraction, _, hours, minutes = parts.groups()
    leap = second == "60"
    if leap:
        second = "59"
    offset = f"{hours}:{minutes or '00'}" if hours else "Z"
    try:
        whole = datetime.fromisoformat(f"{date}T{hour_minute}:{second or '00'}{offset}").timestamp()
    except ValueError:
        return None
    return whole + leap + (float(f"0.{fraction}") if fraction else 0.0)


def moment(given: str | float) -> float | None:
    """Epoch seconds of an event's time: a date and time, or a number, also written as text; None if unreadable.

    A number counts seconds or, where that would be past the year 5138, milliseconds (or less).
    """
    if isinstance(given, str):
        found = parse_time(given)
        if found is not None:
            return found
        if not _NUMBER.fullmatch(given):
            return None
        given = float(given)
    for unit in _UNITS:
        if abs(given) < _MOST_SECONDS * unit:
            return given / unit
    return None
