"""The serving process: takes records, applies them to profiles, tells what changed, and obeys signals."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from exporter.daemon import signals
from exporter.daemon.failures import told, trace
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.port import serve
from exporter.daemon.process.garbage import freeze_after_start
from exporter.daemon.serving.parts import InForce, Opened, catalogue_of, open_parts, token_judge
from exporter.daemon.serving.refusals import CannotServe
from exporter.daemon.stopping import tell_of_stopping
from exporter.dataflow.dependencies import Clock
from exporter.sections.schedules import reach_delay
from exporter.sections.urls import http_address
from exporter.settings.loading.load import Loaded
from exporter.source.collection.intake import Intake
from exporter.source.collection.server.listener import Answered, Listener, ListenerOptions, open_listener
from exporter.source.collection.server.tls import listener_context
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import TakenRecord
from exporter.source.collection.taking import Taking
from exporter.source.processing.examining import Bad, Chances, examine
from exporter.source.processing.letters import Letters
from exporter.source.processing.planes import plane_of
from exporter.source.processing.processor import Listeners, Processor
from exporter.source.processing.telling import Teller
from exporter.source.profiles.port import Counts, ProfilesUnavailable
from exporter.tasks.background import in_background
from exporter.tasks.ending import Ending
from exporter.telemetry.logs import Log
from exporter.telemetry.source_metrics import SourceGauges, SourceMetrics
from exporter.telemetry.status import Health
from exporter.transport.tls.contexts import TlsFilesUnusable

#: How often what is counted in the store is asked for anew.
COUNT_SECONDS = 2.0


@dataclass(slots=True)
class _Now:
    """What the process is doing, for health, status and metrics."""

    reason: str | None = "starting"
    listener: Listener | None = None
    processor: Processor | None = None
    teller: Teller | None = None
    opened: Opened | None = None
    counts: Counts | None = None


class Server:
    """Serves one configuration until SIGTERM or SIGINT."""

    def __init__(self, loaded: Loaded, metrics: SourceMetrics, log: Log, clock: Clock) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._ending = Ending()
        self._hurry = Ending()
        self._broken = False
        self._now = _Now()
        metrics.gauges = self._gauges

    async def run(self) -> int:
        """Run until a signal; the exit code is 0, or 1 if a bug ended the run.

        Raises:
            OpsUnavailable: the ops port can't be opened.
            DatabaseRefused: a file is damaged, or not a database of the exporter.
            CannotServe: the data plane can't be opened.
        """
        ops = self._settings.serve.ops
        with signals.heard({signal.SIGTERM: self._stop, signal.SIGINT: self._stop}):
            desk = Desk(self._metrics, self._health, self._status, self._log)
            async with serve(ops.host, ops.port, desk) as port:
                self._log.info("ops", address=http_address(ops.host, port), port=port)
                for note in self._loaded.notes:
                    self._log.warning("note", detail=note)
                async with AsyncExitStack() as stack:
                    opened = await self._ending.unless_asked(open_parts(stack, self._settings, self._waits, self._log))
                    if opened is None:
                        return 0
                    async with asyncio.TaskGroup() as tasks:
                        return await self._run(opened, tasks, http_address(ops.host, port), port)

    async def _run(self, opened: Opened, tasks: asyncio.TaskGroup, address: str, port: int) -> int:
        settings = self._settings
        catalogue = await catalogue_of(settings, opened.ids)
        in_force = InForce(catalogue, plane_of(settings.serve, settings.sources, settings.datasets, opened.ids))
        chances = Chances(os.urandom, self._clock.monotonic)
        teller = Teller(opened.store, opened.queue, reach_delay(random.uniform), self._lost)
        intake = Intake(opened.intake, settings.serve.hold)
        processor = self._processor(opened, in_force, chances, teller)
        tokens, issuers = token_judge(settings.serve.tokens, self._clock, self._warn)
        stamps = Stamps(lambda: int(self._clock.epoch() * 1000), os.getpid(), opened.last_taken)
        taking = Taking(
            in_force.plane,
            stamps,
            intake.keep,
            tokens,
            self._clock.monotonic,
            validate=partial(_violations, in_force, chances),
        )
        self._now.counts = opened.counts
        self._now.opened, self._now.processor, self._now.teller = opened, processor, teller
        options = self._listener_options()
        working = [tasks.create_task(self._watched("processing", processor.run()))]
        working += [tasks.create_task(self._watched("telling", teller.run()))]
        counting = tasks.create_task(self._watched("counting", self._count(opened)))
        async with (
            in_background(intake.run, *(issuer.run for issuer in issuers)),
            _listening(taking, options) as listener,
        ):
            self._now.listener, self._now.reason = listener, None
            freeze_after_start()
            plain = "http" if options.tls is None else "https"
            url = f"{plain}://{settings.serve.host}:{listener.port}"
            self._log.info("ready", ops=address, port=port, collection=url, collection_port=listener.port)
            await self._ending.wait()
            self._now.reason = "draining"
            tell_of_stopping(self._log, settings.serve.drain)
            await self._hurry.unless_asked(listener.drain(settings.serve.drain))
        for task in (*working, counting):
            task.cancel()
        self._log.info("stopped")
        return 1 if self._broken else 0

    def _processor(self, opened: Opened, in_force: InForce, chances: Chances, teller: Teller) -> Processor:
        settings = self._settings

        def name_of(flow: str) -> str:
            found = in_force.catalogue.flows.get(flow)
            return "" if found is None else found.name

        letters = Letters(
            opened.state.bad_records,
            settings.bad_records_max_bytes,
            partial(_source_of, in_force),
            self._clock.epoch,
        )
        listeners = Listeners(
            lambda flow, outcome: self._metrics.became(name_of(flow), outcome),
            lambda flow, count: self._metrics.mapping_failed(name_of(flow), count),
            self._bug,
            teller.look,
        )
        return Processor(
            opened.intake.name,
            opened.subscription,
            opened.store,
            letters,
            lambda: in_force.catalogue,
            chances,
            settings.max_event_bytes,
            settings.profiles.outbox_max,
            reach_delay(random.uniform),
            listeners,
        )

    def _listener_options(self) -> ListenerOptions:
        serving = self._settings.serve
        tls = None
        if serving.tls.cert_file is not None:
            try:
                tls = listener_context(serving.tls.cert_file, serving.tls.key_file, serving.tls.client_ca_file)
            except TlsFilesUnusable as error:
                raise CannotServe(f"serve.tls: {error}") from error
        return ListenerOptions(
            host=serving.host,
            port=serving.port,
            memory_bytes=serving.memory,
            tls=tls,
            observe=self._answered,
            fault=self._bug,
        )

    # -- what is heard

    def _stop(self) -> None:
        if self._ending.is_set():
            self._log.warning("cut", detail="a second signal: not waiting for what is in hand")
            self._hurry.set()
        self._ending.set()

    def _answered(self, answered: Answered) -> None:
        self._metrics.answered(answered.source, answered.status, answered.received, answered.seconds)

    def _waits(self, reason: str) -> None:
        self._now.reason = reason

    def _warn(self, detail: str) -> None:
        self._log.warning("source", detail=detail)

    def _lost(self, events: int) -> None:
        self._log.error("events lost", events=events, detail="the queue takes no event of their size")

    def _bug(self, error: Exception) -> None:
        self._log.error("bug", detail=told(error), trace=trace(error))

    async def _watched(self, what: str, work: Any) -> None:
        try:
            await work
        except Exception as error:
            self._log.error("task failed", task=what, detail=told(error), trace=trace(error))
            self._broken = True
            self._ending.set()

    async def _count(self, opened: Opened) -> None:
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            with suppress(ProfilesUnavailable):  # the processor says so
                self._now.counts = await opened.store.counts()

    def _gauges(self) -> SourceGauges:
        """What is so at this moment; profiles, identities and joins as they were counted last."""
        now = self._now
        if now.opened is None or now.counts is None or now.processor is None or now.teller is None:
            return SourceGauges()
        lag = now.opened.subscription.lag()
        return SourceGauges(
            intake_records=lag.messages,
            intake_oldest_seconds=lag.seconds,
            profiles=now.counts.profiles,
            identities=now.counts.identities,
            joins=now.counts.joins,
            outbox_events=now.opened.counts.outbox_events + now.processor.events - now.teller.told,
            held_requests=0 if now.listener is None else now.listener.held,
            events=now.teller.told,
        )

    # -- health and status

    def _health(self) -> Health:
        now = self._now
        failures = [part.failure for part in (now.processor, now.teller) if part is not None and part.failure]
        reasons = tuple(filter(None, (now.reason, *failures)))
        return Health(not reasons, reasons)

    def _status(self) -> dict[str, Any]:
        gauges = self._gauges()
        health = self._health()
        return {
            "ready": health.ready,
            "reasons": health.reasons,
            "sources": [source.name for source in self._settings.sources],
            "intake_records": gauges.intake_records,
            "profiles": gauges.profiles,
            "identities": gauges.identities,
            "outbox_events": gauges.outbox_events,
        }


def _source_of(in_force: InForce, inlet: str) -> str:
    found = in_force.plane.inlets.get(inlet)
    return "" if found is None else found.source


def _violations(in_force: InForce, chances: Chances, record: TakenRecord, _: object) -> list[dict[str, Any]] | None:
    """What synchronous validation answers."""
    found = examine(record, in_force.catalogue, chances)
    return [violation.as_report() for violation in found.told] if isinstance(found, Bad) else None


@asynccontextmanager
async def _listening(taking: Taking, options: ListenerOptions) -> AsyncIterator[Listener]:
    """The data plane's listener. Raises ``CannotServe`` where the address cannot be listened at."""
    async with AsyncExitStack() as stack:
        try:
            listener = await stack.enter_async_context(open_listener(taking, options))
        except OSError as error:
            words = f"cannot take records on {options.host}:{options.port}: {os.strerror(error.errno or 0)}"
            raise CannotServe(words) from error
        yield listener
