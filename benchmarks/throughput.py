"""The highest rate: a backlog that is delivered as fast as possible."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks import wrk
from benchmarks.delivering import still_reading, watch
from benchmarks.drive import PROFILES, Drive, QueueSection
from benchmarks.material import Events
from benchmarks.setting import setting

_WRK_CONNECTIONS = 64


def throughput(how: Drive, queue: QueueSection = None, delay_seconds: float = 0.0) -> dict[str, float]:
    """Deliver a backlog as fast as possible, to a receiver that takes ``delay_seconds`` for every answer."""
    with setting(how.core, queue) as place:
        receiver = place.receiver("--delay", str(delay_seconds))
        place.destination("crm", receiver.port, how.transport, delivery=how.delivery)
        asyncio.run(place.publish(Events(how.size_bytes).backlog(how.events, PROFILES)))
        numbers = watch(
            [place.daemon(from_source=how.from_source)], receiver, how.events, ending=still_reading(how.events)
        )
        return numbers | {"connections": float(receiver.stats()["connections"])}


def beside_wrk(how: Drive, queue: QueueSection = None) -> dict[str, float]:
    """The throughput, and its ratio to wrk's rate on the same core just before; no ratio without wrk."""
    if wrk.missing() is not None:
        return throughput(how, queue)
    with tempfile.TemporaryDirectory() as folder, wrk.nginx(Path(folder)) as url:
        best = wrk.measure(Path(folder), url, how.core, how.wrk_seconds, _WRK_CONNECTIONS)["requests a second"]
    numbers = throughput(how, queue)
    return numbers | {"wrk requests a second": best, "of wrk": numbers["deliveries a second"] / best}
