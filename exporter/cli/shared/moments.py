"""Times as options of commands: an RFC 3339 date-time, or an age."""

from __future__ import annotations

import time
from typing import Final

import typer
from pydantic_core import PydanticCustomError

from exporter.sections.quantities import Duration

_AGE: Final = Duration()


def moment(option: str, text: str | None) -> float | None:
    """Epoch seconds of what ``option`` was given; None where it was not given. Exits with 2 where it is no time."""
    when = None if text is None else parse_when(text, time.time())
    if text is not None and when is None:
        raise typer.BadParameter(
            f"'{text}' is neither a time such as 2026-11-20T10:15:00Z nor an age such as 2h", param_hint=option
        )
    return when


def parse_when(text: str, now: float) -> float | None:
    """Epoch seconds of an RFC 3339 date-time, or of an age before ``now``: a duration as in the configuration.

    None if ``text`` is neither. An age needs its unit: a bare number may be meant as a year.
    """
    from exporter.profile.event.times import parse_time

    try:
        return None if text.strip().isdecimal() else now - _AGE.read(text)
    except PydanticCustomError:
        return parse_time(text)
