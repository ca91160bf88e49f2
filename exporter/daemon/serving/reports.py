"""What the parts of a serving process tell of themselves, as metrics and lines of the log."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.daemon.failures import told, trace
from exporter.source.collection.server.listener import Answered
from exporter.telemetry.logs import Log
from exporter.telemetry.source_metrics import SourceMetrics


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the parts tell what happens; no method raises."""

    metrics: SourceMetrics
    log: Log

    def answered(self, answered: Answered) -> None:
        """A request was answered."""
        self.metrics.answered(answered.source, answered.status, answered.received, answered.seconds)

    def tokens(self, detail: str) -> None:
        """The keys by which tokens are judged could not be fetched."""
        self.log.warning("source", detail=detail)

    def refused_lost(self, count: int) -> None:
        """So many refused elements of batches are not kept."""
        self.log.warning("refused elements not kept", elements=count, detail="the state is away")

    def events_lost(self, count: int) -> None:
        """So many events can never be told."""
        self.log.error("events lost", events=count, detail="the queue does not take their size any more")

    def events_left_out(self, count: int) -> None:
        """So many events were not told again."""
        self.log.info("events left out", events=count, detail="the queue has them from before the last end")

    def bug(self, error: Exception) -> None:
        """An error of the exporter's own, after which the process goes on."""
        self.log.error("bug", detail=told(error), trace=trace(error))
