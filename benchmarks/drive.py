"""How a daemon is driven from a queue to a receiver: the common part of throughput and latency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.material import SMALL, Body

#: The profiles take turns.
PROFILES = 2_000
_HOLDS_NOBODY_BACK = 1_000_000

#: The section ``queue`` of the configuration; None is a new journal.
QueueSection = Mapping[str, Any] | None


@dataclass(frozen=True)
class Drive:
    """The knobs.

    ``warm_seconds``: the first part of a stream, in which the daemon warms up and nothing is timed. ``core`` is the
    daemon's own. ``from_source``: the daemon is the one in this repository, also where the benchmarks run beside a
    compiled exporter.
    """

    transport: str = "auto"
    events: int = 60_000
    body: Body = SMALL
    core: int | None = None
    concurrency: int = 256
    warm_seconds: float = 1.5
    wrk_seconds: float = 2.0
    from_source: bool = False

    @property
    def delivery(self) -> dict[str, Any]:
        """The section ``delivery`` of the destinations."""
        return {"concurrency": self.concurrency, "rate": _HOLDS_NOBODY_BACK}

    @property
    def destination(self) -> dict[str, Any]:
        """What the destinations state beside their name, endpoint and transport."""
        return {**self.body.mapping, "delivery": self.delivery}
