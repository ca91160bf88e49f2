"""Reads the times that events carry."""

from __future__ import annotations

import re
from datetime import datetime

#: The shape that nearly all have, so that no other ISO 8601 form is meant.
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?!24)[0-9]{2}:[0-9]{2}:)([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)


def parse_time(text: str) -> float | None:
    """Epoch seconds of an RFC 3339 date-time, or None if ``text`` is none.

    An offset may lack its colon, as Adobe's samples do (``+0000``); a space may stand for the ``T``
    (RFC 3339 section 5.6). A leap second counts as the second after it, as in POSIX time.
    """
    if _PLAIN.fullmatch(text):
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass  # a leap second, or no time
    parts = _RFC_3339.fullmatch(text)
    if parts is None:
        return None
    date, hour_minute, second, fraction, offset = parts.groups()
    leap = second == "60"
    if leap:
        second = "59"
    try:
        whole = datetime.fromisoformat(f"{date}T{hour_minute}{second}{offset.upper()}").timestamp()
    except ValueError:
        return None
    return whole + leap + (float(fraction) if fraction else 0.0)
