"""The numbers of destinations that ``/metrics`` shows: counting, and what a scrape asks for (contract.md#operation)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from exporter.outbox.verdict import PauseReason
from exporter.profile.decision import Reason as Exclusion
from exporter.telemetry.counting import Counter, Histogram
from exporter.telemetry.exposition import exposed
from exporter.telemetry.families.destination import DESTINATION, StatusClass, TimeFault, TokenOutcome
from exporter.telemetry.families.process import PROCESS
from exporter.telemetry.history import History
from exporter.telemetry.latencies import RecentLatencies

#: Seconds. An attempt: from a nearby receiver to the longest sensible time-out.
ATTEMPT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: Seconds. From change to delivery: up to an outage of an hour.
LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


@dataclass(frozen=True, slots=True)
class Gauges:
    """A dataflow at the moment of a scrape; None is "not known" and leaves the series out.

    ``lag`` in messages, ``oldest_pending_seconds`` in seconds, ``paused`` the reasons that hold now, ``concurrency``
    how many attempts may be in flight, ``rate`` how many a second may begin.
    """

    in_flight: int
    window_events: int
    lag: int | None
    oldest_pending_seconds: float | None
    paused: frozenset[str]
    dead_letters: int | None
    concurrency: int | None = None
    rate: float | None = None


def _one_for_each(labels: object) -> dict[Any, Counter]:
    """A counter for each value of ``labels``, a ``Literal``."""
    return {label: Counter() for label in get_args(labels)}


@dataclass(frozen=True, slots=True)
class DestinationMetrics:
    """A destination's counters and histograms, plain numbers until a scrape asks: each is paid per event.

    ``history`` is for ``/status``.
    """

    history: History
    received: Counter = field(default_factory=Counter)
    excluded: Mapping[Exclusion, Counter] = field(default_factory=partial(_one_for_each, Exclusion))
    without_time: Mapping[TimeFault, Counter] = field(default_factory=partial(_one_for_each, TimeFault))
    delivered: Counter = field(default_factory=Counter)
    dead_lettered: Counter = field(default_factory=Counter)
    attempts: Mapping[StatusClass, Counter] = field(default_factory=partial(_one_for_each, StatusClass))
    retries: Counter = field(default_factory=Counter)
    attempt_seconds: Histogram = field(default_factory=partial(Histogram, ATTEMPT_BUCKETS))
    latency_seconds: Histogram = field(default_factory=partial(Histogram, LATENCY_BUCKETS))
    token_fetches: Mapping[TokenOutcome, Counter] = field(default_factory=partial(_one_for_each, TokenOutcome))


class Metrics:
    """All metrics of a process, in a registry of their own. For a single thread."""

    def __init__(self, log_lines_lost: Callable[[], int] | None = None, shard: str | None = None) -> None:
        """``shard`` labels what has no destination, so that several workers can be shown as one."""
        self._log_lines_lost = log_lines_lost
        self.shard = shard
        self._counted: dict[str, DestinationMetrics] = {}
        self._providers: dict[str, Callable[[], Gauges]] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def of(self, destination: str) -> DestinationMetrics:
        """The numbers of ``destination``, all there from the start so that a first event shows as a rise from 0."""
        found = self._counted.get(destination)
        if found is None:
            took = Histogram(ATTEMPT_BUCKETS)
            history = History(RecentLatencies(took, ATTEMPT_BUCKETS))
            found = self._counted[destination] = DestinationMetrics(history, attempt_seconds=took)
        return found

    def snapshot(self) -> None:
        """Note every destination's latencies; to be called every ``latencies.SNAPSHOT_SECONDS``."""
        for counted in self._counted.values():
            counted.history.latencies.snapshot()

    def watch(self, destination: str, provider: Callable[[], Gauges]) -> None:
        """Ask ``provider`` at every scrape; an earlier provider of the destination is replaced."""
        self._providers[destination] = provider

    def forget(self, destination: str) -> None:
        """Drop every series of a destination that is no longer configured."""
        self._providers.pop(destination, None)
        self._counted.pop(destination, None)

    def collect(self) -> Iterable[Metric]:
        """The metrics of a scrape: counters and histograms, without each series' time of creation, then the gauges."""
        yield self._counters("exporter_events_excluded", lambda of: _labelled(of.excluded.items()))
        yield self._counters("exporter_events_without_time", lambda of: _labelled(of.without_time.items()))
        yield self._counters(
            "exporter_exports",
            lambda of: {("delivered",): of.delivered, ("dead_lettered",): of.dead_lettered},
        )
        # Read after what becomes of them: a scrape never shows more events that ended than came.
        yield self._counters("exporter_events_received", lambda of: {(): of.received})
        yield self._counters("exporter_attempts", lambda of: _labelled(of.attempts.items()))
        yield self._counters("exporter_retries", lambda of: {(): of.retries})
        yield self._counters("exporter_token_fetches", lambda of: _labelled(of.token_fetches.items()))
        yield self._histograms("exporter_attempt_seconds", ATTEMPT_BUCKETS, lambda of: of.attempt_seconds)
        yield self._histograms("exporter_latency_seconds", LATENCY_BUCKETS, lambda of: of.latency_seconds)
        yield from self._gauges()
        if self._log_lines_lost is not None:
            told = PROCESS["exporter_log_lines_lost"]
            lost = CounterMetricFamily(told.name, told.meaning, labels=["shard"] * bool(self.shard))
            lost.add_metric([self.shard] if self.shard else [], self._log_lines_lost())
            yield lost

    async def expose(self) -> bytes:
        """All series, as ``exposition.exposed`` has them."""
        return await exposed(self.registry)

    def _gauges(self) -> Iterable[Metric]:
        watched = [(destination, provider()) for destination, provider in self._providers.items()]
        plain: tuple[tuple[str, Callable[[Gauges], float | None]], ...] = (
            ("exporter_in_flight", lambda gauges: gauges.in_flight),
            ("exporter_concurrency", lambda gauges: gauges.concurrency),
            ("exporter_rate", lambda gauges: gauges.rate),
            ("exporter_window_events", lambda gauges: gauges.window_events),
            ("exporter_queue_lag", lambda gauges: gauges.lag),
            ("exporter_oldest_pending_seconds", lambda gauges: gauges.oldest_pending_seconds),
            ("exporter_dead_letters", lambda gauges: gauges.dead_letters),
        )
        for name, read in plain:
            family = GaugeMetricFamily(name, DESTINATION[name].meaning, labels=[*DESTINATION[name].labels])
            for destination, gauges in watched:
                value = read(gauges)
                if value is not None:
                    family.add_metric([destination], value)
            yield family
        told = DESTINATION["exporter_paused"]
        paused = GaugeMetricFamily(told.name, told.meaning, labels=[*told.labels])
        for destination, gauges in watched:
            for reason in get_args(PauseReason):
                paused.add_metric([destination, reason], float(reason in gauges.paused))
        yield paused

    def _counters(self, name: str, read: Callable[[DestinationMetrics], Mapping[tuple[str, ...], Counter]]) -> Metric:
        family = CounterMetricFamily(name, DESTINATION[name].meaning, labels=[*DESTINATION[name].labels])
        for destination, counted in self._counted.items():
            for values, counter in read(counted).items():
                family.add_metric([destination, *values], counter.value)
        return family

    def _histograms(
        self, name: str, bounds: tuple[float, ...], read: Callable[[DestinationMetrics], Histogram]
    ) -> Metric:
        family = HistogramMetricFamily(name, DESTINATION[name].meaning, labels=[*DESTINATION[name].labels])
        names = [*(str(float(bound)) for bound in bounds), "+Inf"]
        for destination, counted in self._counted.items():
            histogram = read(counted)
            family.add_metric([destination], list(zip(names, histogram.cumulative(), strict=True)), histogram.sum)
        return family


def _labelled(counters: Iterable[tuple[str, Counter]]) -> dict[tuple[str, ...], Counter]:
    return {(value,): counter for value, counter in counters}
