"""Numbers and times as the page says them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from exporter.telemetry.metrics import ATTEMPT_BUCKETS

#: Stands where nothing is known.
NOTHING: Final = "–"

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def grouped(number: float | None) -> str:
    """``12,345``."""
    return NOTHING if number is None else f"{number:,.0f}"


def per_second(rate: float | None) -> str:
    """``0.4/s``, ``120/s``; of very little ``< 0.1/s``."""
    if rate is None:
        return NOTHING
    if 0 < rate < 0.05:
        return "< 0.1/s"
    return f"{rate:,.1f}/s" if 0 < rate < 10 else f"{rate:,.0f}/s"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``5 h 2 min``, ``2 d 4 h``."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    for unit, name, below, name_below in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {name}" + (f" {rest} {name_below}" if rest else "")
    return f"{whole} s"


def milliseconds(number: float | None) -> str:
    """A duration in milliseconds: ``0.8 ms``, ``120 ms``, ``2.50 s``."""
    if number is None:
        return NOTHING
    if number >= 1000:
        return f"{number / 1000:,.2f} s"
    return f"{number:.1f} ms" if number < 10 else f"{number:.0f} ms"


def took(seconds: float) -> str:
    """A share of the attempts' times, in seconds; within the first bucket nothing finer is known."""
    first = ATTEMPT_BUCKETS[0]
    return f"< {milliseconds(first * 1000)}" if seconds <= first else milliseconds(seconds * 1000)


def ago(at: float | None, now: float) -> str:
    """How long before ``now`` a moment was; both are seconds since the epoch."""
    if at is None:
        return "never"
    seconds = now - at
    return "just now" if seconds < 1 else f"{duration(round(seconds)).replace('.0 s', ' s')} ago"


def moment(at: float) -> str:
    """``2026-11-20 10:15:00 UTC``, of seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def size(number: int | None) -> str:
    """Bytes: ``512 bytes``, ``1.5 MiB``."""
    if number is None:
        return NOTHING
    amount = float(number)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} GiB"
