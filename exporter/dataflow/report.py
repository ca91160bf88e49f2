"""Reports on a dataflow: the gauges of a scrape, and the line of ``exporter status``."""

from __future__ import annotations

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.flow import Dataflow
from exporter.telemetry.metrics import Gauges
from exporter.telemetry.status import DataflowStatus


def gauges(flow: Dataflow) -> Gauges:
    """The gauges of ``flow`` now."""
    dependencies, lag = flow.dependencies, flow.lag()
    return Gauges(
        in_flight=dependencies.outbox.in_flight,
        window_events=dependencies.outbox.events,
        lag=lag.messages,
        oldest_pending_seconds=_oldest_pending_seconds(flow),
        paused=dependencies.outbox.reasons,
        dead_letters=dependencies.letters.count(),
        concurrency=dependencies.outbox.concurrency,
    )


def status(flow: Dataflow) -> DataflowStatus:
    """The status of ``flow`` now, with the totals since the process started."""
    dependencies, lag, now = flow.dependencies, flow.lag(), gauges(flow)
    pause, metrics = dependencies.outbox.pause, dependencies.metrics
    monotonic = dependencies.clock.monotonic()
    # A standby sends nothing anyway, whatever an operator asks for.
    paused = flow.state != "draining" and now.paused - ({"operator"} if flow.state == "standby" else set())
    return DataflowStatus(
        destination=dependencies.destination,
        state="paused" if paused else flow.state,
        paused=tuple(sorted(now.paused)),
        paused_since=_paused_since(dependencies) if paused else None,
        next_probe_seconds=None if pause is None else max(0.0, pause.probe_at - monotonic),
        last_failure=dependencies.outbox.stop_detail
        or (None if pause is None else pause.detail)
        or metrics.history.failure,
        lag_messages=lag.messages,
        lag_seconds=lag.seconds,
        oldest_pending_seconds=now.oldest_pending_seconds,
        in_flight=now.in_flight,
        concurrency=dependencies.outbox.concurrency,
        window_events=now.window_events,
        received=metrics.received.value,
        excluded=sum(counter.value for counter in metrics.excluded.values()),
        delivered=metrics.delivered.value,
        dead_lettered=metrics.dead_lettered.value,
        retried=metrics.retries.value,
        dead_letters=dependencies.letters.count(),
    )


def _paused_since(dependencies: Dependencies) -> float | None:
    """When the first of the reasons that hold began, in seconds since the epoch."""
    pause, told = dependencies.outbox.pause, dependencies.pauses.since
    began = min((each for each in (None if pause is None else pause.since, told) if each is not None), default=None)
    clock = dependencies.clock
    return None if began is None else clock.epoch() - (clock.monotonic() - began)


def _oldest_pending_seconds(flow: Dataflow) -> float | None:
    lag, outbox = flow.lag(), flow.dependencies.outbox
    if lag.seconds is not None:
        return lag.seconds
    taken = min((export.message.taken_at for export in outbox.exports()), default=None)
    if taken is not None:
        return max(0.0, flow.dependencies.clock.epoch() - taken)
    # While the queue is away and the lag is unknown, "nothing" would be a guess.
    return None if lag.messages is None and "queue" in outbox.stops else 0.0
