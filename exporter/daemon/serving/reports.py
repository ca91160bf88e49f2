"""What the parts of a serving process tell of themselves, as metrics and lines of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.daemon.failures import told, trace
from exporter.source.collection.server.listener import Answered
from exporter.telemetry.logs import Log
from exporter.telemetry.source_metrics import SourceMetrics

_PREVIEW = "`exporter source preview` shows it, exporter_source_identity_warnings_total counts the next ones"
#: By the kind of the warning.
_NOTES: Final[Mapping[str, str]] = {
    "primaries": f"a record has several primary identities, of which the first counts; {_PREVIEW}",
    "namespace": f"a record has an identity namespace that is neither declared nor built in; {_PREVIEW}",
    "id": f"a record has something else than an id in the place of one, which is left out; {_PREVIEW}",
}


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the parts tell what happens; no method raises."""

    metrics: SourceMetrics
    log: Log
    _noted: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)

    def answered(self, answered: Answered) -> None:
        """A request was answered."""
        self.metrics.answered(answered.source, answered.status, answered.received, answered.seconds)

    def tokens(self, detail: str) -> None:
        """The keys by which tokens are judged could not be fetched."""
        self.log.warning("source", detail=detail)

    def warned(self, flow: str, kinds: Sequence[str]) -> None:
        """Identities of a record of ``flow`` are worth a note: in the log once for each kind, and without its data."""
        self.metrics.warned(flow, kinds)
        for kind in kinds:
            if (flow, kind) not in self._noted:
                self._noted.add((flow, kind))
                self.log.warning("identities", flow=flow or "unknown", kind=kind, detail=_NOTES[kind])

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
