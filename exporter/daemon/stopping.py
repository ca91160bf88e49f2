"""What a stop waits for, in the log: at its beginning and every few seconds until its end (contract.md#operation)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from exporter.telemetry.logs import Log

#: Between two lines while a stop waits.
TELL_SECONDS: Final = 3.0
#: So many destinations are named, those with most in flight.
NAMED: Final = 5

_SECOND: Final = "a second SIGTERM or Ctrl-C does not wait for it"

#: What is in flight: the number of attempts by destination.
InFlight = Mapping[str, int]


def tell_of_stopping(log: Log, drain_seconds: float, **waits_for: Any) -> None:
    """Log that a stop begins, which waits at most ``drain_seconds`` for ``waits_for``, such as ``shown(in_flight)``."""
    log.info("stopping", **waits_for, drain_seconds=drain_seconds, detail=_SECOND)


async def tell_on(log: Log, drain_seconds: float, in_flight: Callable[[], Awaitable[InFlight]]) -> None:
    """Log again and again what is still waited for, until cancelled; nothing while nothing is in flight."""
    loop = asyncio.get_running_loop()
    until = loop.time() + drain_seconds
    while True:
        await asyncio.sleep(TELL_SECONDS)
        if now := await in_flight():
            left = round(max(0.0, until - loop.time()), 1)
            log.info("still stopping", **shown(now), seconds_left=left, detail=_SECOND)


def shown(in_flight: InFlight) -> dict[str, Any]:
    """The fields of a line: how many attempts are in flight, and where, most first; bounded."""
    worst = sorted(in_flight.items(), key=lambda each: (-each[1], each[0]))
    where = ", ".join(f"{name}: {count}" for name, count in worst[:NAMED])
    more = f" and {len(worst) - NAMED} destinations more" if len(worst) > NAMED else ""
    return {"in_flight": sum(in_flight.values()), **({"at": where + more} if where else {})}
