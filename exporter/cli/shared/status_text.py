"""What commands on a running process say of its status: numbers, durations, and a refused configuration."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from exporter.sections.printable import printable


def refused_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the configuration that the daemon did not take over, if any."""
    config = document.get("config") or {}
    if not config.get("valid", True):
        at = config.get("refused_at")  # a daemon of an earlier version does not say
        when = "" if at is None else f", {duration_text(max(0.0, time.time() - at))} ago"
        yield (
            f"the daemon refused the configuration at its last reload{when}, and goes on with the one before; the "
            "files may have changed since then (exporter check). What it found:"
        )
        yield from (f"  {printable(problem)}" for problem in config.get("problems", ()))


def number_text(value: float | None) -> str:
    """A number for people; ``?`` where it is not known."""
    return "?" if value is None else f"{value:,}"


def duration_text(seconds: float | None) -> str:
    """A duration for people: ``0.4s``, ``12s``, ``3m20s``, ``5h02m``, ``2d04h``."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"
