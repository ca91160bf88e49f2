"""The numbers that ``/metrics`` shows: names, labels and counting (contract.md#operation)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from exporter.outbox.verdict import PauseReason
from exporter.profile.decision import Reason as Exclusion
from exporter.telemetry.counting import Counter, Histogram
from exporter.telemetry.history import History
from exporter.telemetry.latencies import RecentLatencies

StatusClass = Literal["2xx", "3xx", "4xx", "5xx", "no_answer", "unreachable"]
TokenOutcome = Literal["ok", "refused", "failed"]
TimeFault = Literal["absent", "unreadable"]

#: Every metric and its meaning. All carry ``destination``; no label takes a value that data can choose.
MEANING: Final[Mapping[str, str]] = {
    # Everything from the queue, whether or not the destination is concerned.
    "exporter_events_received": "Events read from the queue.",
    # Settled without a request; ``reason`` says which condition was not met.
    "exporter_events_excluded": "Events that are not for this destination, by reason.",
    # Their latency begins when the queue took the event instead: the time serves nothing else.
    "exporter_events_without_time": "Events to be exported whose occurredAt is absent or unreadable, by reason.",
    # An event that is not excluded ends in one of the two; a replay that is delivered counts again.
    "exporter_exports": "Exports that ended, by outcome.",
    # Requests, so retries and probes count again; ``no_answer`` and ``unreachable`` had no status line.
    "exporter_attempts": "Requests made, by the class of the answer's status.",
    # Attempts of an export that has had a passing failure or a 429.
    "exporter_retries": "Attempts that repeat an earlier one.",
    # Letters in the store now, superseded letters included.
    "exporter_dead_letters": "Dead letters that are kept.",
    # From handing over a request to the transport until the outcome.
    "exporter_attempt_seconds": "How long an attempt took, in seconds.",
    # The delay that users feel: includes the time on the queue, retries and pauses.
    "exporter_latency_seconds": "From the change (occurredAt) to its delivery, in seconds.",
    "exporter_in_flight": "Requests whose answer has not come.",
    # A value that adapts; ``exporter_in_flight`` reaches it while the destination is the bottleneck.
    "exporter_concurrency": "How many requests may be in flight now; adapts up to delivery.concurrency.",
    # A limit, to hold rate(exporter_attempts_total) against.
    "exporter_rate": "Attempts a second that the destination gets at most (delivery.rate); "
    "what it gets is rate(exporter_attempts_total).",
    # Read from the queue and not settled: in flight, waiting for a turn or a retry, or becoming a dead letter.
    "exporter_window_events": "Events held in memory.",
    # Absent where the queue does not know.
    "exporter_queue_lag": "Events on the queue that are not settled.",
    # Grows while paused: the metric to alert on.
    "exporter_oldest_pending_seconds": "Age of the oldest event that is not settled, in seconds.",
    # 1 while the reason holds; several can hold at once.
    "exporter_paused": "Whether the dataflow is paused, by reason.",
    # ``refused``: the token server answered no; ``failed``: there was no usable answer.
    "exporter_token_fetches": "Token requests, by outcome.",
}

#: Of the process: nobody read its log in time, or it could not be written.
LOG_LINES_LOST: Final = "Lines of the log that could not be written."

#: Seconds. An attempt: from a nearby receiver to the longest sensible time-out.
ATTEMPT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: Seconds. From change to delivery: up to an outage of an hour.
LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
#: The text format that Prometheus and all look-alikes read.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


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
    dead_letters: int
    concurrency: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class DestinationMetrics:
    """A destination's counters and histograms, plain numbers until a scrape asks: each is paid per event.

    ``history`` is for ``/status``.
    """

    received: Counter
    excluded: Mapping[Exclusion, Counter]
    without_time: Mapping[TimeFault, Counter]
    delivered: Counter
    dead_lettered: Counter
    attempts: Mapping[StatusClass, Counter]
    retries: Counter
    attempt_seconds: Histogram
    latency_seconds: Histogram
    token_fetches: Mapping[TokenOutcome, Counter]
    history: History


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
            attempt_seconds = Histogram(ATTEMPT_BUCKETS)
            found = self._counted[destination] = DestinationMetrics(
                received=Counter(),
                excluded={reason: Counter() for reason in get_args(Exclusion)},
                without_time={reason: Counter() for reason in get_args(TimeFault)},
                delivered=Counter(),
                dead_lettered=Counter(),
                attempts={status: Counter() for status in get_args(StatusClass)},
                retries=Counter(),
                attempt_seconds=attempt_seconds,
                latency_seconds=Histogram(LATENCY_BUCKETS),
                token_fetches={outcome: Counter() for outcome in get_args(TokenOutcome)},
                history=History(RecentLatencies(attempt_seconds, ATTEMPT_BUCKETS)),
            )
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
        yield self._counters("exporter_events_received", lambda of: {(): of.received})
        yield self._counters("exporter_events_excluded", lambda of: _labelled(of.excluded.items()), "reason")
        yield self._counters("exporter_events_without_time", lambda of: _labelled(of.without_time.items()), "reason")
        yield self._counters(
            "exporter_exports",
            lambda of: {("delivered",): of.delivered, ("dead_lettered",): of.dead_lettered},
            "outcome",
        )
        yield self._counters("exporter_attempts", lambda of: _labelled(of.attempts.items()), "status_class")
        yield self._counters("exporter_retries", lambda of: {(): of.retries})
        yield self._counters("exporter_token_fetches", lambda of: _labelled(of.token_fetches.items()), "outcome")
        yield self._histograms("exporter_attempt_seconds", ATTEMPT_BUCKETS, lambda of: of.attempt_seconds)
        yield self._histograms("exporter_latency_seconds", LATENCY_BUCKETS, lambda of: of.latency_seconds)
        yield from self._gauges()
        if self._log_lines_lost is not None:
            lost = CounterMetricFamily("exporter_log_lines_lost", LOG_LINES_LOST, labels=["shard"] * bool(self.shard))
            lost.add_metric([self.shard] if self.shard else [], self._log_lines_lost())
            yield lost

    def render(self) -> bytes:
        """All series in Prometheus' text format, to be served as ``CONTENT_TYPE``."""
        return generate_latest(self.registry)

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
            family = GaugeMetricFamily(name, MEANING[name], labels=["destination"])
            for destination, gauges in watched:
                value = read(gauges)
                if value is not None:
                    family.add_metric([destination], value)
            yield family
        paused = GaugeMetricFamily("exporter_paused", MEANING["exporter_paused"], labels=["destination", "reason"])
        for destination, gauges in watched:
            for reason in get_args(PauseReason):
                paused.add_metric([destination, reason], float(reason in gauges.paused))
        yield paused

    def _counters(
        self, name: str, read: Callable[[DestinationMetrics], Mapping[tuple[str, ...], Counter]], *labels: str
    ) -> Metric:
        family = CounterMetricFamily(name, MEANING[name], labels=["destination", *labels])
        for destination, counted in self._counted.items():
            for values, counter in read(counted).items():
                family.add_metric([destination, *values], counter.value)
        return family

    def _histograms(
        self, name: str, bounds: tuple[float, ...], read: Callable[[DestinationMetrics], Histogram]
    ) -> Metric:
        family = HistogramMetricFamily(name, MEANING[name], labels=["destination"])
        names = [*(str(float(bound)) for bound in bounds), "+Inf"]
        for destination, counted in self._counted.items():
            histogram = read(counted)
            family.add_metric([destination], list(zip(names, histogram.cumulative(), strict=True)), histogram.sum)
        return family


def _labelled(counters: Iterable[tuple[str, Counter]]) -> dict[tuple[str, ...], Counter]:
    return {(value,): counter for value, counter in counters}
