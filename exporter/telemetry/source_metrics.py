"""The metrics of the way in: requests, records, bytes, answers, and what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from exporter.telemetry.counting import Histogram
from exporter.telemetry.exposition import exposed
from exporter.telemetry.families.process import PROCESS
from exporter.telemetry.families.source import SOURCE

#: Seconds: from a commit on a quick disk to the longest hold.
ACK_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class SourceGauges:
    """The way in at the moment of a scrape; None is "not known" and leaves the series out.

    ``backfills``: by destination, the profiles that are done, and all of them; ``flows`` are the names of those that
    there are.
    """

    intake_records: int | None = None
    intake_oldest_seconds: float | None = None
    profiles: int | None = None
    identities: int | None = None
    joins: int | None = None
    refused_links: int | None = None
    outbox_events: int | None = None
    bad_records: int | None = None
    bad_records_bytes: int | None = None
    clock_behind_seconds: float | None = None
    held_requests: int = 0
    events: int = 0
    events_lost: int = 0
    backfills: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    flows: Collection[str] = ()


class SourceMetrics:
    """All metrics of a serving process, in a registry of their own. For a single thread.

    ``gauges`` is asked at every scrape.
    """

    def __init__(self, log_lines_lost: Callable[[], int]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.shard: str | None = None
        self.gauges: Callable[[], SourceGauges] = SourceGauges
        self._log_lines_lost = log_lines_lost
        self._requests: dict[tuple[str, ...], int] = defaultdict(int)
        self._records: dict[tuple[str, ...], int] = defaultdict(int)
        self._bytes: dict[tuple[str, ...], int] = defaultdict(int)
        self._mapping_errors: dict[tuple[str, ...], int] = defaultdict(int)
        self._identity_warnings: dict[tuple[str, ...], int] = defaultdict(int)
        self._ack = Histogram(ACK_BUCKETS)
        self.registry.register(self)

    def answered(self, source: str | None, status: int, received: int, seconds: float) -> None:
        """Count a request; ``source`` is None where no inlet was found."""
        name = source or "unknown"
        self._requests[name, str(status)] += 1
        self._bytes[name,] += received
        self._ack.observe(seconds)

    def became(self, flow: str, outcome: str, count: int = 1) -> None:
        """Count records: taken, applied, unchanged, aside or bad."""
        self._records[flow or "unknown", outcome] += count

    def mapping_failed(self, flow: str, reasons: Sequence[str]) -> None:
        """Count mappings that had no value, each for its reason: time, too_large, value."""
        for reason in reasons:
            self._mapping_errors[flow or "unknown", reason] += 1

    def warned(self, flow: str, reasons: Sequence[str]) -> None:
        """Count what is worth a note in the identities of a good record: primaries, namespace, id."""
        for reason in reasons:
            self._identity_warnings[flow or "unknown", reason] += 1

    async def expose(self) -> bytes:
        """All series, as ``exposition.exposed`` has them."""
        return await exposed(self.registry)

    def collect(self) -> Iterator[Metric]:
        """The metrics of a scrape."""
        yield _counters("exporter_source_requests", self._requests)
        now = self.gauges()
        yield _counters("exporter_source_records", self._all_outcomes(now.flows))
        yield _counters("exporter_source_bytes", self._bytes)
        yield _counters("exporter_source_mapping_errors", self._mapping_errors)
        yield _counters("exporter_source_identity_warnings", self._identity_warnings)
        ack = HistogramMetricFamily("exporter_source_ack_seconds", SOURCE["exporter_source_ack_seconds"].meaning)
        names = [*(str(float(bound)) for bound in ACK_BUCKETS), "+Inf"]
        ack.add_metric([], list(zip(names, self._ack.cumulative(), strict=True)), self._ack.sum)
        yield ack
        for name, value in (
            ("exporter_source_intake_records", now.intake_records),
            ("exporter_source_intake_oldest_seconds", now.intake_oldest_seconds),
            ("exporter_source_profiles", now.profiles),
            ("exporter_source_identities", now.identities),
            ("exporter_source_outbox_events", now.outbox_events),
            ("exporter_source_held_requests", now.held_requests),
            ("exporter_source_bad_records", now.bad_records),
            ("exporter_source_bad_records_bytes", now.bad_records_bytes),
            ("exporter_source_clock_behind_seconds", now.clock_behind_seconds),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, SOURCE[name].meaning, value=value)
        yield _backfill_done({destination: done for destination, (done, _) in now.backfills.items()})
        yield _counters("exporter_source_backfill", {(name,): total for name, (_, total) in now.backfills.items()})
        yield _counters("exporter_source_events", {(): now.events})
        yield _counters("exporter_source_events_lost", {(): now.events_lost})
        if now.joins is not None:
            yield _counters("exporter_source_joins", {(): now.joins})
        if now.refused_links is not None:
            yield _counters("exporter_source_refused_links", {(): now.refused_links})
        lost = PROCESS["exporter_log_lines_lost"]
        yield CounterMetricFamily(lost.name, lost.meaning, value=self._log_lines_lost())

    def _all_outcomes(self, there_are: Collection[str]) -> Mapping[tuple[str, ...], int]:
        """Each outcome of each flow that is there or had a record: a first bad record shows as a rise from 0."""
        flows = dict.fromkeys((*there_are, *(flow for flow, _ in self._records)))
        outcomes = SOURCE["exporter_source_records"].labels["outcome"]
        return {**{(flow, outcome): 0 for flow in flows for outcome in outcomes}, **self._records}


def _backfill_done(numbers: Mapping[str, int]) -> Metric:
    told = SOURCE["exporter_source_backfill_done"]
    family = GaugeMetricFamily(told.name, told.meaning, labels=[*told.labels])
    for destination, number in numbers.items():
        family.add_metric([destination], number)
    return family


def _counters(name: str, counted: Mapping[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(name, SOURCE[name].meaning, labels=[*SOURCE[name].labels])
    for values, count in counted.items():
        family.add_metric(list(values), count)
    return family
