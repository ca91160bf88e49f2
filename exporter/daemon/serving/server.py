"""The serving process: takes records, applies them to profiles, tells what changed, and obeys signals."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from exporter import __version__
from exporter.daemon import signals
from exporter.daemon.failures import told, trace
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import BUILD, begun_with
from exporter.daemon.ops.port import serve
from exporter.daemon.process.garbage import freeze_after_start
from exporter.daemon.reload import Load, TakenOver, take_over_for_ever
from exporter.daemon.serving.backfills import backfilling_of
from exporter.daemon.serving.collecting import certificate_of, listening
from exporter.daemon.serving.control import control_of, serving_control
from exporter.daemon.serving.now import Now
from exporter.daemon.serving.parts import InForce, Opened, catalogue_of, open_parts
from exporter.daemon.serving.reload import Running, reload
from exporter.daemon.serving.sender_tokens import SenderTokens
from exporter.daemon.serving.upkeep import expiring_of, lapsing_of
from exporter.daemon.stopping import tell_of_stopping
from exporter.dataflow.dependencies import Clock
from exporter.sections.schedules import reach_delay
from exporter.sections.urls import http_address
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Settings
from exporter.source.collection.intake import Intake
from exporter.source.collection.server.listener import Answered
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import TakenRecord
from exporter.source.collection.taking import Taking
from exporter.source.processing.examining import Bad, Chances, examine
from exporter.source.processing.letters import Letters
from exporter.source.processing.planes import plane_of
from exporter.source.processing.processor import Listeners, Processor
from exporter.source.processing.refused import RefusedElements
from exporter.source.processing.telling import Teller
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.source.wishing import Wishing
from exporter.tasks.background import in_background
from exporter.tasks.ending import Ending
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.logs import Log
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.source_metrics import SourceMetrics

#: How often what is counted in the store is asked for anew.
COUNT_SECONDS = 2.0
#: How long the end waits for elements of batches that were refused to be kept: they stop nothing.
REFUSED_SECONDS = 1.0


class Server:
    """Serves one configuration until SIGTERM or SIGINT; SIGHUP loads the configuration anew through ``load``.

    ``taken_over`` is called with what a reload takes over.
    """

    def __init__(
        self, loaded: Loaded, load: Load, metrics: SourceMetrics, log: Log, clock: Clock, taken_over: TakenOver
    ) -> None:
        self._load = load
        self._taken_over = taken_over
        self._reload = asyncio.Event()
        self._configuration = ConfigurationHealth(clock.epoch, begun_with(loaded))
        ProcessMetrics(metrics, __version__, BUILD, self._configuration)
        self._loaded = loaded
        self._settings = loaded.settings
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._ending = Ending()
        self._hurry = Ending()
        self._broken = False
        self._now = Now()
        metrics.gauges = self._now.gauges

    async def run(self) -> int:
        """Run until a signal; the exit code is 0, or 1 if a bug ended the run.

        Raises:
            OpsUnavailable: the ops port can't be opened.
            DatabaseRefused: a file is damaged, or not a database of the exporter.
            CannotServe: the data plane can't be opened.
            StoresDoNotFit: as ``open_parts``.
        """
        ops = self._settings.serve.ops
        with signals.heard({signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGHUP: self._reload.set}):
            desk = Desk(self._metrics, self._now.health, self._status, self._log)
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
        teller = Teller(opened.store, opened.queue, reach_delay(random.uniform), self._lost, self._left_out)
        intake = Intake(opened.intake, settings.serve.hold, partial(self._taken, in_force))
        processor = self._processor(opened, in_force, chances, teller)
        tokens = SenderTokens(tasks, self._clock, self._warn)
        refused = self._refused(opened, in_force)
        now_ms = partial(_milliseconds, self._clock)
        stamps = Stamps(now_ms, os.getpid(), opened.last_taken)
        taking = Taking(
            in_force.plane,
            stamps,
            intake.keep,
            tokens.judge(settings.serve.tokens),
            self._clock.monotonic,
            validate=partial(_violations, in_force, chances),
            refused=refused.note,
        )
        self._now.counts, self._now.outbox_before = opened.counts, opened.counts.outbox_events
        self._now.opened, self._now.processor, self._now.teller = opened, processor, teller
        certificate = certificate_of(settings.serve.tls)
        working = [tasks.create_task(self._watched("processing", processor.run()))]
        working += [tasks.create_task(self._watched("telling", teller.run()))]
        working += [tasks.create_task(self._watched("counting", self._count(opened)))]
        backfilling = backfilling_of(opened, lambda: self._settings, teller, self._clock, self._log, self._bug)
        self._now.backfilling = backfilling
        working += [tasks.create_task(self._watched("backfilling", backfilling.run()))]
        if (lapsing := lapsing_of(settings, opened, stamps, processor, teller)) is not None:
            working += [tasks.create_task(self._watched("lapsing", lapsing.run()))]
        expiring = expiring_of(settings, opened, now_ms)
        working += [tasks.create_task(self._watched("expiring", expiring.run()))]
        running = Running(opened, in_force, taking, intake, tokens, certificate)
        take_over = partial(reload, load=self._load, running=running, log=self._log, health=self._configuration)
        reloading = take_over_for_ever(self._loaded, self._reload, take_over, self._reloaded)
        working += [tasks.create_task(self._watched("reloading", reloading))]
        wishing = Wishing(opened.intake, stamps, settings.serve.hold)
        control = control_of(settings, opened, taking, wishing, self._clock, self._answered)
        async with (
            in_background(intake.run, refused.run),
            listening(taking, settings.serve, certificate, self._answered, self._bug) as listener,
            serving_control(control, settings.serve.api, settings.serve.drain) as api_port,
        ):
            self._now.listener, self._now.reason = listener, None
            plain = "http" if certificate is None else "https"
            freeze_after_start()
            url = f"{plain}://{settings.serve.host}:{listener.port}"
            api = http_address(settings.serve.api.host, api_port)
            places = {"collection": url, "collection_port": listener.port, "api": api, "api_port": api_port}
            self._log.info("ready", ops=address, port=port, **places)
            await self._ending.wait()
            self._now.reason = "draining"
            drain = self._settings.serve.drain
            tell_of_stopping(self._log, drain)
            await self._hurry.unless_asked(listener.drain(drain))
            with suppress(TimeoutError):
                async with asyncio.timeout(REFUSED_SECONDS):
                    await refused.kept()
        for task in working:
            task.cancel()
        tokens.close()
        self._log.info("stopped")
        return 1 if self._broken else 0

    def _processor(self, opened: Opened, in_force: InForce, chances: Chances, teller: Teller) -> Processor:
        settings, name_of = self._settings, in_force.name_of
        letters = Letters(
            opened.state.bad_records,
            settings.bad_records_max_bytes,
            in_force.source_of,
            self._clock.epoch,
        )
        listeners = Listeners(
            lambda flow, outcome: self._metrics.became(name_of(flow), outcome),
            lambda flow, kinds: self._metrics.mapping_failed(name_of(flow), kinds),
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
            opened.max_event_bytes,
            settings.profiles.outbox_max,
            reach_delay(random.uniform),
            listeners,
        )

    # -- what is heard

    def _stop(self) -> None:
        if self._ending.is_set():
            self._log.warning("cut", detail="a second signal: not waiting for what is in hand")
            self._hurry.set()
        self._ending.set()

    def _answered(self, answered: Answered) -> None:
        self._metrics.answered(answered.source, answered.status, answered.received, answered.seconds)

    def _refused(self, opened: Opened, in_force: InForce) -> RefusedElements:
        def lost(count: int) -> None:
            self._log.warning("refused elements not kept", elements=count, detail="the state is away")

        remember = opened.state.bad_records.remember_refused
        delay = reach_delay(random.uniform)
        return RefusedElements(remember, in_force.source_of, self._clock.epoch, delay, lost)

    def _taken(self, in_force: InForce, flows: Mapping[str, int]) -> None:
        for flow, count in flows.items():
            self._metrics.became(in_force.name_of(flow), "taken", count)

    def _reloaded(self, settings: Settings) -> None:
        self._settings = settings
        self._taken_over(settings)

    def _waits(self, reason: str) -> None:
        self._now.reason = reason

    def _warn(self, detail: str) -> None:
        self._log.warning("source", detail=detail)

    def _lost(self, events: int) -> None:
        self._log.error("events lost", events=events, detail="the queue does not take their size any more")

    def _left_out(self, events: int) -> None:
        self._log.info("events left out", events=events, detail="the queue has them from before the last end")

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
                await self._now.count(opened.store)

    def _status(self) -> dict[str, Any]:
        return self._now.status(asdict(self._configuration.status), [source.name for source in self._settings.sources])


def _milliseconds(clock: Clock) -> int:
    return int(clock.epoch() * 1000)


def _violations(in_force: InForce, chances: Chances, record: TakenRecord, _: object) -> list[dict[str, Any]] | None:
    """What synchronous validation answers."""
    found = examine(record, in_force.catalogue, chances)
    return [violation.as_report() for violation in found.told] if isinstance(found, Bad) else None
