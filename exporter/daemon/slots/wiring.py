"""The only place where a dataflow is put together from its settings and the shared parts of the process."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from exporter.auth.authorizer import Surroundings
from exporter.daemon.slots.certificates import refuse_odd_files
from exporter.daemon.slots.token_transport import transport_for_tokens
from exporter.dataflow.dependencies import Clock, Dependencies
from exporter.dataflow.flow import Dataflow
from exporter.dataflow.reading import Read, SharedReading, read_alone
from exporter.outbox.limits import Limits
from exporter.outbox.loop_load import LoopLoad
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.profile.document.fast_path import compile_fast_path
from exporter.profile.document.payload import compile_payload
from exporter.profile.mapping import Mapping
from exporter.profile.native.projector import Project, compile_projector
from exporter.profile.triggers import compile_triggers
from exporter.queues.port import Queue
from exporter.sections.schedules import probe_delay, retry_delay
from exporter.sections.section import values_of
from exporter.sections.tls import Tls
from exporter.settings.delivery import Delivery
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.settings.tree import Settings
from exporter.state.kinds import State
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.attempts import Attempts
from exporter.telemetry.families.destination import TokenOutcome
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import DestinationMetrics, Metrics
from exporter.telemetry.pauses_told import PausesTold
from exporter.telemetry.tracing.port import DestinationTracing, Tracing
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport
from exporter.transport.tls.contexts import TlsContexts

#: So many projectors that each pass over an event are quicker than reading it once, in Python, and deciding so often
#: (measured for events of 1 and of 4 KB).
_FEW_DATAFLOWS = 4


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts that all dataflows of a process share."""

    queue: Queue
    state: State
    memory: Pool
    connections: Pool
    load: LoopLoad
    metrics: Metrics
    log: Log
    clock: Clock
    wait_delay: Callable[[int], float]
    queue_delay: Callable[[int], float]
    tracing: Tracing | None = None
    attempts: Attempts = field(default_factory=Attempts)
    #: By ``max_event_bytes``, which a reload may change.
    readings: dict[int, SharedReading] = field(default_factory=dict)
    tls: TlsContexts = field(default_factory=TlsContexts)


@asynccontextmanager
async def open_dataflow(
    destination: Destination, settings: Settings, shared: Shared, pauses: PausesTold
) -> AsyncIterator[Dataflow]:
    """A dataflow with its own connections, token, window and dead letters. ``pauses`` were told of it before.

    Raises:
        StateUnavailable: the mapping times cannot be noted now.
        TlsFilesUnusable: a file of ``tls`` cannot be used.
    """
    segments = [segment.key for segment in destination.segments]
    now_ms = int(shared.clock.epoch() * 1000)
    times = await shared.state.mapping_times.first_seen(destination.name, segments, now_ms)
    mapping = destination.mapping(settings.catalogue, {key: created for key, (created, _) in times.items()})
    if any(each.files for each in values_of(Tls, destination)):
        await off_loop(refuse_odd_files, destination)
    delivery = destination.delivery
    options = TransportOptions(
        timeout_seconds=delivery.timeout,
        concurrency=delivery.concurrency,
        tls=destination.tls,
        proxy=destination.proxy,
        contexts=shared.tls,
    )
    opening = open_transport(delivery.transport, options)
    async with opening as transport, transport_for_tokens(destination, transport, shared.tls) as for_tokens:
        memory = shared.memory.join()
        connections = shared.connections.join()
        try:
            outbox = Outbox(limits(delivery), memory, connections, shared.load)
            made = _dependencies(destination, settings, shared, mapping, transport, for_tokens, outbox)
            yield Dataflow(replace(made, pauses=pauses))
        finally:
            shared.connections.leave(connections)
            shared.memory.leave(memory)


def _dependencies(
    destination: Destination,
    settings: Settings,
    shared: Shared,
    mapping: Mapping,
    transport: Transport,
    for_tokens: Transport,
    outbox: Outbox,
) -> Dependencies:
    name, delivery, fast_path = destination.name, destination.delivery, compile_fast_path(mapping)
    log, metrics = shared.log.bind(destination=name), shared.metrics.of(name)
    group = settings.group_of(name)
    return Dependencies(
        destination=name,
        group=group,
        start=destination.start,
        queue=shared.queue,
        letters=shared.state.letters.of(name, group, int(delivery.dead_letters_max_bytes)),
        transport=transport,
        authorizer=destination.auth.authorizer(
            for_tokens,
            Surroundings(
                clock=shared.clock.monotonic,
                epoch=shared.clock.epoch,
                observe=partial(_token_fetched, metrics, log),
                note=partial(_token_noted, log),
                retry_after_cap=delivery.retry_after_cap,
            ),
        ),
        read=_reading(settings, shared),
        decide=compile_triggers(mapping, fast_path),
        build=compile_payload(mapping, fast_path),
        prepared=prepare(destination),
        outbox=outbox,
        metrics=metrics,
        log=log,
        clock=shared.clock,
        wait_delay=shared.wait_delay,
        queue_delay=shared.queue_delay,
        tracing=_tracing(destination, shared.tracing),
        project=_projector(mapping, settings),
        attempts=shared.attempts.of(name),
    )


def limits(delivery: Delivery) -> Limits:
    """The limits of the outbox, from a destination's ``delivery``."""
    return Limits(
        retries=len(delivery.retries),
        retry_delay=retry_delay(delivery.retries),
        probe_delay=probe_delay(random.uniform),
        rate=delivery.rate,
        concurrency=delivery.concurrency,
        window_events=delivery.window.events,
        window_bytes=int(delivery.window.bytes),
        retry_after_cap=delivery.retry_after_cap,
        pause_after_rejections=delivery.pause_after_rejections,
    )


def _tracing(destination: Destination, tracing: Tracing | None) -> DestinationTracing | None:
    if tracing is None:
        return None
    own = {name.lower() for name in destination.headers}
    return tracing.of(destination.name, destination.endpoint, passed_on="traceparent" not in own)


def _reading(settings: Settings, shared: Shared) -> Read:
    most = int(settings.max_event_bytes)
    if len(settings.running) == 1:
        return read_alone(most)
    return shared.readings.setdefault(most, SharedReading(most))


def _projector(mapping: Mapping, settings: Settings) -> Project | None:
    few = len(settings.running) <= _FEW_DATAFLOWS
    return compile_projector(mapping, int(settings.max_event_bytes)) if few else None


def _token_fetched(metrics: DestinationMetrics, log: Log, outcome: TokenOutcome, why: str) -> None:
    metrics.token_fetches[outcome].inc()
    if outcome != "ok":
        log.warning("token fetch failed", outcome=outcome, detail=why)


def _token_noted(log: Log, sentence: str) -> None:
    log.info("odd token", detail=sentence)
