"""Reads the times that events carry: RFC 3339, and what common producers write beside it."""

from __future__ import annotations

import re
from datetime import datetime

#: The shape that nearly all have, so that no other ISO 8601 form is meant.
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?!24)[0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?: ?(?:([Zz]|UTC|GMT)|([+-][0-9]{2})(?::?([0-9]{2}))?)(?:\[[^\[\]]+\])?)?"
)
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]+)?")
#: Seconds until the year 5138; what is larger counts in a smaller unit, down to nanoseconds.
_MOST_SECONDS = 1e11
_UNITS = (1.0, 1e3, 1e6, 1e9)


def parse_time(text: str) -> float | None:
    """Epoch seconds of a date and time, or None if ``text`` is none.

    That is RFC 3339 and what is often written beside it: an offset may lack its colon or its minutes (``+0000``,
    ``+01``) or be missing, which means UTC, as ``UTC`` and ``GMT`` do; seconds may be missing (``10:15Z``); a space
    may stand for the ``T`` and before the offset, a comma for the point, and a zone's name in brackets after it. A leap
    second counts as the second after it, as in POSIX time.
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
    """Epoch seconds of what an event gives as its time: a date and time, or a number, also written as text.

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
