"""Times as options of commands: an RFC 3339 date-time, or an age."""

from __future__ import annotations

import re
import time

import typer

_AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h|d|w)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def moment(option: str, text: str | None) -> float | None:
    """Epoch seconds of what ``option`` was given; None where it was not given. Exits with 2 where it is no time."""
    when = None if text is None else parse_when(text, time.time())
    if text is not None and when is None:
        raise typer.BadParameter(
            f"'{text}' is neither a time such as 2026-11-20T10:15:00Z nor an age such as 2h", param_hint=option
        )
    return when


def parse_when(text: str, now: float) -> float | None:
    """Epoch seconds of an RFC 3339 date-time, or of an age before ``now`` such as ``90s``, ``1h``, ``2d``, ``1w``.

    None if ``text`` is neither.
    """
    from exporter.profile.event.times import parse_time

    age = _AGE.fullmatch(text)
    return parse_time(text) if age is None else now - float(age[1]) * _SECONDS[age[2].lower()]
