"""The serving process: takes records, applies them to profiles, tells what changed, and obeys signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from exporter import __version__
from exporter.daemon import signals
from exporter.daemon.failures import told, trace
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import BUILD, begun_with
from exporter.daemon.ops.local_socket import serve_locally
from exporter.daemon.ops.page.source_sheets import SourceSheets
from exporter.daemon.ops.port import serve
from exporter.daemon.process.garbage import freeze_after_start
from exporter.daemon.reload import Load, TakenOver, take_over_for_ever
from exporter.daemon.serving.backfills import backfilling_of
from exporter.daemon.serving.certificate import certificate_of
from exporter.daemon.serving.clocks import ClockWatch
from exporter.daemon.serving.collecting import listening
from exporter.daemon.serving.control import control_of, serving_control
from exporter.daemon.serving.hindrances import Hindrances
from exporter.daemon.serving.now import Now
from exporter.daemon.serving.particulars import OfServing
from exporter.daemon.serving.parts import Opened, open_parts
from exporter.daemon.serving.pipeline import Pipeline, pipeline_of
from exporter.daemon.serving.reload import reload
from exporter.daemon.serving.reports import Reports
from exporter.daemon.serving.sender_tokens import SenderTokens
from exporter.daemon.serving.upkeep import expiring_of, lapsing_of
from exporter.daemon.stopping import tell_of_stopping
from exporter.dataflow.dependencies import Clock
from exporter.sections.urls import http_address
from exporter.settings.loading.load import Loaded
from exporter.settings.loading.neighbours import remember
from exporter.settings.notes import without_sources
from exporter.source.backfills.backfilling import Backfilling
from exporter.source.collection.server.listener import Listener
from exporter.source.collection.server.tls import RenewableContext
from exporter.source.control.objects.following import Following
from exporter.source.control.objects.sweeping import Sweeping
from exporter.source.processing.refused import RefusedElements
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.source.runs.lately import lately
from exporter.source.settings.serve import Serve
from exporter.source.wishing import Wishing
from exporter.state.port import StateUnavailable
from exporter.tasks.background import Work, in_background
from exporter.tasks.ending import Ending
from exporter.tasks.lifetimes import must_live
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.build import in_words
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.logs import Log
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.source_metrics import SourceMetrics

#: How often what is counted in the store is asked for anew.
COUNT_SECONDS = 2.0
#: And what became of the records of each flow, which many flows make many rows of.
RUNS_SECONDS = 5.0
#: How long the end waits for elements of batches that were refused to be kept: they stop nothing.
REFUSED_SECONDS = 1.0


class Server:
    """Serves one configuration until SIGTERM or SIGINT; SIGHUP loads the configuration anew through ``load``.

    ``taken_over`` is called with what a reload takes over; the socket for commands is at the first of ``sockets`` that
    is free.
    """

    def __init__(
        self,
        loaded: Loaded,
        load: Load,
        metrics: SourceMetrics,
        log: Log,
        clock: Clock,
        taken_over: TakenOver,
        sockets: Sequence[Path] = (),
    ) -> None:
        self._load = load
        self._taken_over = taken_over
        self._sockets = sockets
        self._reload = asyncio.Event()
        self._configuration = ConfigurationHealth(clock.epoch, begun_with(loaded))
        ProcessMetrics(metrics, __version__, BUILD, self._configuration)
        self._loaded = loaded
        self._settings = loaded.settings
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._reports = Reports(metrics, log)
        self._started_at = clock.epoch()
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
            CertificateUnusable: the files of ``serve.tls`` are no certificate and key.
            StoresDoNotFit: as ``open_parts``.
        """
        ops = self._settings.serve.ops
        with signals.heard({signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGHUP: self._reload.set}):
            sheets = SourceSheets(self._status, OfServing(self._now), self._clock)
            desk = Desk(self._metrics, self._now.health, self._status, self._log, sheets=sheets)
            shared = self._settings.ops.token, self._settings.ops.hosts
            async with serve(ops.host, ops.port, desk, *shared) as port, serve_locally(self._sockets, desk):
                self._log.info("ops", address=http_address(ops.host, port), port=port)
                for note in dict.fromkeys((*self._loaded.notes, *without_sources(self._settings))):
                    self._log.warning("note", detail=note)
                async with AsyncExitStack() as stack:
                    opened = await self._ending.unless_asked(open_parts(stack, self._loaded, self._waits, self._log))
                    if opened is None:
                        return 0
                    await off_loop(remember, self._settings, self._loaded.files)
                    async with asyncio.TaskGroup() as tasks:
                        return await self._run(opened, tasks, ops=http_address(ops.host, port), port=port)

    async def _run(self, opened: Opened, tasks: asyncio.TaskGroup, **ops: str | int) -> int:
        settings, clock, reports = self._settings, self._clock, self._reports
        tokens = SenderTokens(tasks, clock, reports.tokens, opened.key)
        pipeline = await pipeline_of(settings, opened, tokens, self._now_ms, clock, reports)
        certificate = certificate_of(settings.serve.tls)
        backfilling = backfilling_of(opened, lambda: self._settings, pipeline.teller, clock, self._log, reports.bug)
        self._now.runs(pipeline, backfilling)
        following = Following(pipeline.register)
        work = self._work(pipeline, backfilling, certificate) | {"following other processes": following.run}
        working = [tasks.create_task(self._watched(what, run)) for what, run in work.items()]
        wishing = Wishing(opened.intake, pipeline.stamps, settings.serve.hold)
        asked = reports.answered, self._now.port, following.before_an_answer
        control = control_of(lambda: self._settings, pipeline, wishing, clock, *asked)
        async with (
            in_background(pipeline.intake.run, pipeline.refused.run),
            listening(pipeline.taking, settings.serve, certificate, reports.answered, reports.bug) as listener,
            serving_control(control, settings.serve.api, settings.serve.drain) as api_port,
        ):
            self._now.listener, self._now.reason = listener, None
            freeze_after_start()
            self._log.info("ready", **ops, **_places(settings.serve, listener, api_port), build=in_words(BUILD))
            await self._ending.wait()
            await self._drain(listener, pipeline.refused)
        for task in working:
            task.cancel()
        tokens.close()
        self._log.info("stopped")
        return 1 if self._broken else 0

    def _work(
        self, pipeline: Pipeline, backfilling: Backfilling, certificate: RenewableContext | None
    ) -> dict[str, Work]:
        """What runs beside the listeners until the end, by the name that the log has for it where it fails."""
        settings, opened, load, health = self._settings, pipeline.opened, self._load, self._configuration
        work: dict[str, Work] = {
            "processing": pipeline.processor.run,
            "telling": pipeline.teller.run,
            "keeping the lock of the profiles": opened.alone.run,
            "counting": partial(self._count, opened),
            "counting runs": partial(self._count_runs, pipeline),
            "looking for hindrances": Hindrances(self._now, opened.state.interventions, self._log).run,
            "backfilling": backfilling.run,
            "looking at the clock": ClockWatch(pipeline.stamps, self._log).run,
            "expiring": expiring_of(settings, opened, self._now_ms).run,
            "sweeping": Sweeping(pipeline.register, opened.intake.name, opened.applied, self._now_ms).run,
        }
        if (lapsing := lapsing_of(settings, opened, pipeline.stamps, pipeline.processor, pipeline.teller)) is not None:
            work["lapsing"] = lapsing.run
        take_over = partial(reload, load=load, pipeline=pipeline, certificate=certificate, log=self._log, health=health)
        work["reloading"] = partial(take_over_for_ever, self._loaded, self._reload, take_over, self._reloaded)
        return work

    async def _drain(self, listener: Listener, refused: RefusedElements) -> None:
        """Take nothing more, and wait for what is in hand; at most for ``serve.drain``, and for the second signal."""
        self._now.reason = "draining"
        drain = self._settings.serve.drain
        tell_of_stopping(self._log, drain)
        await self._hurry.unless_asked(listener.drain(drain))
        with suppress(TimeoutError):
            async with asyncio.timeout(REFUSED_SECONDS):
                await refused.kept()

    # -- what is heard

    def _stop(self) -> None:
        if self._ending.is_set():
            self._log.warning("cut", detail="a second signal: not waiting for what is in hand")
            self._hurry.set()
        self._ending.set()

    def _reloaded(self, loaded: Loaded) -> None:
        self._settings = loaded.settings
        self._taken_over(loaded)

    def _waits(self, reason: str) -> None:
        self._now.reason = reason

    async def _watched(self, what: str, run: Work) -> None:
        try:
            await must_live(what, run)
        except Exception as error:
            self._log.error("task failed", task=what, detail=told(error), trace=trace(error))
            self._broken = True
            self._ending.set()

    async def _count(self, opened: Opened) -> None:
        while True:
            with suppress(StateUnavailable):  # the look for hindrances says so
                await self._now.count_bad(opened.state.bad_records)
            await asyncio.sleep(COUNT_SECONDS)
            with suppress(ProfilesUnavailable):  # the processor says so
                await self._now.count(opened.store)

    async def _count_runs(self, pipeline: Pipeline) -> None:
        while True:
            with suppress(ProfilesUnavailable):  # the processor says so
                self._now.flows = await lately(pipeline.opened.store, self._now_ms(), pipeline.in_force.name_of)
            await asyncio.sleep(RUNS_SECONDS)

    def _now_ms(self) -> int:
        return int(self._clock.epoch() * 1000)

    def _status(self) -> dict[str, Any]:
        sources = [source.name for source in self._settings.sources]
        process = {"version": __version__, "build": asdict(BUILD), "started_at": self._started_at}
        return process | self._now.status(asdict(self._configuration.status), sources)


def _places(serving: Serve, listener: Listener, api_port: int) -> dict[str, str | int]:
    """Where the two planes listen, for the log."""
    scheme = "http" if serving.tls.cert_file is None else "https"
    return {
        "collection": f"{scheme}://{serving.host}:{listener.port}",
        "collection_port": listener.port,
        "api": http_address(serving.api.host, api_port),
        "api_port": api_port,
    }
