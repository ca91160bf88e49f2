"""Tells the log when the serving process can no longer do its work, and when it can again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from exporter.telemetry.logs import Log

#: How often the failures are looked at.
LOOK_SECONDS = 1.0


async def tell_readiness(failures: Callable[[], Sequence[str]], log: Log) -> None:
    """Log when there begin to be ``failures``, and when there are none any more; until cancelled."""
    had_some = False
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = failures()
        if found and not had_some:
            log.warning("not ready", reasons=found)
        elif had_some and not found:
            log.info("ready again")
        had_some = bool(found)
