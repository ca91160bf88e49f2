"""What the serving process is doing at this moment: its health, its status, and the values of its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.daemon.serving.parts import Opened
from exporter.daemon.serving.pipeline import Pipeline
from exporter.source.backfills.backfilling import Backfilling
from exporter.source.backfills.shown import report
from exporter.source.collection.intake import Intake
from exporter.source.collection.server.listener import Listener
from exporter.source.control.objects.objects import Objects
from exporter.source.control.standing import counted, told_flows
from exporter.source.processing.processor import Processor
from exporter.source.processing.telling import Teller
from exporter.source.profiles.port import Counts, ProfileStore
from exporter.state.bad_record import REFUSED
from exporter.state.bad_records import BadRecords
from exporter.state.port import Totals
from exporter.telemetry.source_metrics import SourceGauges
from exporter.telemetry.status import Health


@dataclass(slots=True)
class Now:
    """The parts that run, as far as there are any yet.

    Attributes:
        reason: why nothing is taken; None while records are taken.
        state: why bad records could not be kept now; None where they could.
        intake: where records go that are taken.
        counts: of profiles, identities and joins, as they were counted last.
        bad_records: as they were counted last, without refused elements of batches.
        flows: what became of each flow's records lately, as it was looked up last.
        pipeline: by what records are taken and applied, and the objects that it comes from.
        outbox_before: events in the outbox beside those that the parts have added and told; commands add some, too.
    """

    reason: str | None = "starting"
    listener: Listener | None = None
    intake: Intake | None = None
    processor: Processor | None = None
    teller: Teller | None = None
    backfilling: Backfilling | None = None
    opened: Opened | None = None
    pipeline: Pipeline | None = None
    state: str | None = None
    counts: Counts | None = None
    outbox_before: int = 0
    bad_records: Totals | None = None
    flows: Sequence[dict[str, Any]] = ()

    def runs(self, pipeline: Pipeline, backfilling: Backfilling) -> None:
        """The parts run from now on."""
        opened, self.pipeline = pipeline.opened, pipeline
        self.opened, self.intake, self.backfilling = opened, pipeline.intake, backfilling
        self.processor, self.teller = pipeline.processor, pipeline.teller
        self.counts, self.outbox_before = opened.counts, opened.counts.outbox_events

    def port(self) -> int:
        """At which the data plane listens; 0 before it does."""
        return 0 if self.listener is None else self.listener.port

    def _moved(self) -> tuple[int, int]:
        """How many events the parts have added to the outbox, and how many were told."""
        added = sum(0 if part is None else part.events for part in (self.processor, self.backfilling))
        return added, 0 if self.teller is None else self.teller.told

    async def count(self, store: ProfileStore) -> None:
        """Count anew what the store holds.

        Raises:
            ProfilesUnavailable: the store cannot be asked.
        """
        added, told = self._moved()
        self.counts = await store.counts()
        if self._moved() == (added, told):
            # Nothing came or went meanwhile, so this is what others have added, such as commands.
            self.outbox_before = self.counts.outbox_events - added + told

    async def count_bad(self, records: BadRecords) -> None:
        """Count anew the bad records that are kept.

        Raises:
            StateUnavailable: the state cannot be asked.
        """
        kept = [each for reason, each in (await records.totals()).items() if reason != REFUSED]
        self.bad_records = Totals(sum(each.letters for each in kept), sum(each.bytes for each in kept))

    def gauges(self) -> SourceGauges:
        """What metrics show; all of it 0 until the stores are open."""
        if self.opened is None or self.counts is None or self.processor is None or self.teller is None:
            return SourceGauges()
        lag = self.opened.subscription.lag()
        added, told = self._moved()
        return SourceGauges(
            intake_records=lag.messages,
            intake_oldest_seconds=lag.seconds,
            profiles=self.counts.profiles,
            identities=self.counts.identities,
            joins=self.counts.joins,
            refused_links=self.counts.refused_links,
            outbox_events=max(0, self.outbox_before + added - told),
            bad_records=None if self.bad_records is None else self.bad_records.letters,
            bad_records_bytes=None if self.bad_records is None else self.bad_records.bytes,
            clock_behind_seconds=None if self.pipeline is None else self.pipeline.stamps.ahead_ms / 1000,
            held_requests=0 if self.listener is None else self.listener.held,
            events=self.teller.told - self.teller.lost,
            events_lost=self.teller.lost,
            backfills={} if self.backfilling is None else self.backfilling.progress,
            flows=[] if self.pipeline is None else self.pipeline.in_force.flow_names,
        )

    def hindrances(self) -> dict[str, str]:
        """What is kept from being done now, and why."""
        found = {
            "taking records": None if self.intake is None else self.intake.failure,
            "applying records": None if self.processor is None else self.processor.failure,
            "applying alone": None if self.opened is None else self.opened.alone.failure,
            "telling changes": None if self.teller is None else self.teller.failure,
            "keeping bad records": self.state,
            "backfilling": None if self.backfilling is None else self.backfilling.failure,
            "following": None if self.pipeline is None else self.pipeline.register.failure,
        }
        return {what: reason for what, reason in found.items() if reason is not None}

    def health(self) -> Health:
        """Whether records are taken, applied and told, and if not, why; backfills may wait.

        What other processes make may wait, too, and is a reason all the same: records go by what is old.
        """
        hindrances = self.hindrances()
        hindrances.pop("backfilling", None)
        behind = hindrances.pop("following", None)
        reasons = tuple(dict.fromkeys(filter(None, (self.reason, *hindrances.values()))))
        return Health(not reasons, reasons if behind is None else (*reasons, behind))

    def status(self, config: Mapping[str, Any], declared: Sequence[str]) -> dict[str, Any]:
        """The document of ``/status``, with that part of it which tells of the configuration.

        ``declared`` are the names of the sources that the configuration has; with those of connections that were made
        by API they are all sources.
        """
        gauges, health = self.gauges(), self.health()
        backfilling, pipeline = self.backfilling, self.pipeline
        objects = Objects() if pipeline is None else pipeline.register.objects
        made = () if pipeline is None else (each.source for each in pipeline.in_force.plane.inlets.values())
        return {
            "ready": health.ready,
            "reasons": health.reasons,
            "config": config,
            "sources": list(dict.fromkeys((*declared, *made))),
            "objects": counted(objects),
            "flows": told_flows(objects),
            "intake_records": gauges.intake_records,
            "intake_oldest_seconds": gauges.intake_oldest_seconds,
            "held_requests": gauges.held_requests,
            "profiles": gauges.profiles,
            "identities": gauges.identities,
            "outbox_events": gauges.outbox_events,
            "bad_records": gauges.bad_records,
            "bad_records_bytes": gauges.bad_records_bytes,
            "runs": self.flows,
            "backfills": [] if backfilling is None else report(backfilling.backfills, backfilling.waits),
        }
