"""Reads the points in time that people give to commands."""

from __future__ import annotations

import re

_AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_when(text: str, now: float) -> float | None:
    """Epoch seconds of an RFC 3339 date-time, or of an age before ``now`` such as ``90s``, ``1h``, ``2d``, ``1w``.

    None if ``text`` is neither.
    """
    from exporter.profile.event.times import parse_time

    age = _AGE.fullmatch(text)
    return parse_time(text) if age is None else now - float(age[1]) * _SECONDS[age[2]]
