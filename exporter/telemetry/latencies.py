"""How long recent attempts took: quantiles from snapshots of a histogram, so that counting costs nothing more."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from exporter.telemetry.counting import Histogram

#: How far back "recent" reaches, and how often a snapshot is taken.
RECENT_SECONDS: Final = 300.0
SNAPSHOT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Latencies:
    """Quantiles in seconds, estimated from the buckets of exporter_attempt_seconds as Prometheus does."""

    p50: Annotated[float, Meta(description="Half of the attempts were not slower.")]
    p95: Annotated[float, Meta(description="95 of 100 were not slower.")]
    p99: Annotated[float, Meta(description="99 of 100 were not slower.")]


class RecentLatencies:
    """The recent observations of ``histogram``, whose buckets end at ``bounds``."""

    def __init__(self, histogram: Histogram, bounds: Sequence[float]) -> None:
        self._histogram = histogram
        self._bounds = tuple(bounds)
        self._snapshots = deque([histogram.cumulative()], maxlen=round(RECENT_SECONDS / SNAPSHOT_SECONDS))

    def snapshot(self) -> None:
        """Note the counts; to be called every ``SNAPSHOT_SECONDS``."""
        self._snapshots.append(self._histogram.cumulative())

    def latencies(self) -> Latencies | None:
        """The quantiles of what was observed since the oldest snapshot; None if nothing was."""
        counts = [now - before for now, before in zip(self._histogram.cumulative(), self._snapshots[0], strict=True)]
        if counts[-1] == 0:
            return None
        return Latencies(*(round(self._quantile(part, counts), 6) for part in (0.5, 0.95, 0.99)))

    def _quantile(self, part: float, counts: Sequence[int]) -> float:
        """The ``part``-quantile, by a straight line within its bucket; beyond the last bound, that bound."""
        rank = part * counts[-1]
        lower, below = 0.0, 0
        for bound, count in zip(self._bounds, counts, strict=False):
            if count >= rank:
                return lower + (bound - lower) * (rank - below) / (count - below)
            lower, below = bound, count
        return lower
