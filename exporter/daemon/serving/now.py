"""What the serving process is doing at this moment: its health, its status, and the values of its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.daemon.serving.parts import Opened
from exporter.source.backfills.backfilling import Backfilling
from exporter.source.backfills.shown import report
from exporter.source.collection.server.listener import Listener
from exporter.source.processing.processor import Processor
from exporter.source.processing.telling import Teller
from exporter.source.profiles.port import Counts
from exporter.telemetry.source_metrics import SourceGauges
from exporter.telemetry.status import Health


@dataclass(slots=True)
class Now:
    """The parts that run, as far as there are any yet.

    Attributes:
        reason: why nothing is taken; None while records are taken.
        counts: of profiles, identities and joins, as they were counted last.
    """

    reason: str | None = "starting"
    listener: Listener | None = None
    processor: Processor | None = None
    teller: Teller | None = None
    backfilling: Backfilling | None = None
    opened: Opened | None = None
    counts: Counts | None = None

    def gauges(self) -> SourceGauges:
        """What metrics show; all of it 0 until the stores are open."""
        if self.opened is None or self.counts is None or self.processor is None or self.teller is None:
            return SourceGauges()
        lag = self.opened.subscription.lag()
        backfilled = 0 if self.backfilling is None else self.backfilling.events
        return SourceGauges(
            intake_records=lag.messages,
            intake_oldest_seconds=lag.seconds,
            profiles=self.counts.profiles,
            identities=self.counts.identities,
            joins=self.counts.joins,
            outbox_events=self.opened.counts.outbox_events + self.processor.events + backfilled - self.teller.told,
            held_requests=0 if self.listener is None else self.listener.held,
            events=self.teller.told - self.teller.lost,
            events_lost=self.teller.lost,
            backfills={} if self.backfilling is None else self.backfilling.progress,
        )

    def health(self) -> Health:
        """Whether records are taken, applied and told, and if not, why."""
        failures = [part.failure for part in (self.processor, self.teller) if part is not None and part.failure]
        reasons = tuple(filter(None, (self.reason, *failures)))
        return Health(not reasons, reasons)

    def status(self, config: Mapping[str, Any], sources: list[str]) -> dict[str, Any]:
        """The document of ``/status``, with that part of it which tells of the configuration, and sources by name."""
        gauges, health = self.gauges(), self.health()
        backfilling = self.backfilling
        return {
            "ready": health.ready,
            "reasons": health.reasons,
            "config": config,
            "sources": sources,
            "intake_records": gauges.intake_records,
            "intake_oldest_seconds": gauges.intake_oldest_seconds,
            "held_requests": gauges.held_requests,
            "profiles": gauges.profiles,
            "identities": gauges.identities,
            "outbox_events": gauges.outbox_events,
            "backfills": [] if backfilling is None else report(backfilling.backfills, backfilling.waits),
        }
