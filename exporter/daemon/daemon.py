"""The daemon: opens queue, state and ops port, runs every destination, and obeys signals."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from exporter import __version__
from exporter.daemon import signals
from exporter.daemon.failures import kept, told, trace
from exporter.daemon.interventions import follow, in_process, open_already
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.attempts import OwnAttempts
from exporter.daemon.ops.document import BUILD, begun_with, described, document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.daemon.ops.page.particulars import OfProcess
from exporter.daemon.ops.page.run_sheets import RunSheets
from exporter.daemon.ops.port import serve
from exporter.daemon.process import open_files
from exporter.daemon.process.from_parent import parent_heard, parent_of
from exporter.daemon.process.garbage import freeze_after_start
from exporter.daemon.process.heartbeat import heartbeat
from exporter.daemon.reload import Load, TakenOver, reload_for_ever
from exporter.daemon.shared_state import StateNotShared, watch
from exporter.daemon.slots.slots import Slots
from exporter.daemon.slots.wiring import Shared
from exporter.daemon.startup import Part, Startup, open_state_and_queue
from exporter.daemon.stopping import InFlight, shown, tell_of_stopping, tell_on
from exporter.dataflow.dependencies import Clock
from exporter.outbox.loop_load import LoopLoad
from exporter.outbox.shares import Pool
from exporter.sections.schedules import probe_delay, reach_delay
from exporter.sections.urls import http_address
from exporter.settings.loading.load import Loaded
from exporter.settings.loading.neighbours import remember
from exporter.settings.tree import Settings
from exporter.settings.whereabouts import whereabouts
from exporter.state.interventions import Intervention
from exporter.tasks.ending import Ending
from exporter.tasks.lifetimes import must_live
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.attempts import Attempts
from exporter.telemetry.build import in_words
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.latencies import SNAPSHOT_SECONDS
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.status import DataflowStatus, Health, StatusDocument
from exporter.telemetry.tracing.opening import open_tracing

#: How often the daemon looks whether all dataflows read, until all do.
LOOK_SECONDS = 0.02


class Daemon:
    """Runs one configuration until SIGTERM or SIGINT; SIGHUP loads the configuration anew through ``load``.

    One of ``sockets`` is where the commands on this machine ask. ``taken_over`` is called with what a reload
    takes over, ``announce`` with the ops port that was opened. ``parent`` is a pipe from the parent of a worker: its
    end means that the parent is gone, which is obeyed like SIGTERM; a byte from the pipe, and not a second signal, cuts
    at once. ``attempts`` are those that it makes, for whoever watches.
    """

    def __init__(
        self,
        loaded: Loaded,
        load: Load,
        metrics: Metrics,
        log: Log,
        clock: Clock,
        sockets: Sequence[Path] = (),
        announce: Callable[[int], None] = lambda _: None,
        parent: int | None = None,
        taken_over: TakenOver = lambda _: None,
        attempts: Attempts | None = None,
    ) -> None:
        self._loaded = loaded
        self._load = load
        self._log = log
        self._clock = clock
        self._sockets = sockets
        self._announce = announce
        self._parent = parent
        self._taken_over = taken_over
        self._metrics = metrics
        self._attempts = attempts or Attempts(clock.monotonic)
        self._own_attempts = OwnAttempts(self._attempts, lambda: [each.name for each in self._now().running])
        self._slots: Slots | None = None
        self._started_at = clock.epoch()
        self._configuration = ConfigurationHealth(clock.epoch, begun_with(loaded))
        ProcessMetrics(metrics, __version__, BUILD, self._configuration, self._standing_by)
        settings = loaded.settings
        places: dict[Part, str] = {"queue": whereabouts(settings.queue), "state": whereabouts(settings.state)}
        self._startup = Startup([destination.name for destination in settings.running], places)
        self._ending = Ending()
        self._refused: str | None = None
        self._broken = False
        self._reload = asyncio.Event()
        self._shared: Shared | None = None
        #: What may be done by hand through this process.
        self.actions = in_process(self._now, self._parts, lambda: self._slots, clock.epoch)

    async def run(self) -> int:
        """Run until a signal; the exit code is 0, or 1 if the last commit failed or a bug ended the run.

        A bug in a task that all dataflows need is raised unchanged and at once: without the queue's own tasks nothing
        could be committed any more.

        Raises:
            OpsUnavailable: the ops port can't be opened.
            DatabaseRefused: a file is damaged, or not a database of the exporter.
            StateNotShared: another exporter reads the same groups with another state, and what is sent depends on the
                state.
        """
        if (short := open_files.note(self._loaded.settings, open_files.allow_all())) is not None:
            self._log.warning("note", detail=short)
        ops = self._loaded.settings.ops
        handlers = {signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGHUP: self._reload.set}
        with signals.heard(handlers), parent_heard(self._parent, self._cut, self._orphaned):
            particulars = OfProcess(lambda: self._loaded, open_already(self._parts), self._own_attempts)
            sheets = RunSheets(self._status, particulars, self._clock, self._metrics.shard)
            desk = Desk(self._metrics, self._health, self._status, self._log, self.actions, self._own_attempts, sheets)
            async with (
                serve(ops.host, ops.port, desk, ops.token, ops.hosts) as port,
                serve_locally(self._sockets, desk, parent_of(self._parent)),
            ):
                address = http_address(ops.host, port)
                self._log.info("ops", address=address, port=port)
                self._announce(port)
                for note in self._loaded.notes:
                    self._log.warning("note", detail=note)
                async with AsyncExitStack() as stack:
                    stack.callback(self._own_attempts.end)
                    # In this very task: the task that opens queue and state is cancelled when a background task of
                    # queue or state fails.
                    opened = await self._ending.unless_asked(self._open(stack))
                    if opened is None:
                        self._log.info("stopping", detail="queue and state were not opened yet")
                        self._log.info("stopped", committed=True)
                        return 0
                    shared, groups, interventions = opened
                    async with asyncio.TaskGroup() as tasks:
                        slots = Slots(self._loaded.settings, shared, groups, tasks, self._fail, interventions)
                        self._slots = slots
                        return await self._run(slots, shared, address, port, tasks)

    async def _run(self, slots: Slots, shared: Shared, address: str, port: int, tasks: asyncio.TaskGroup) -> int:
        told = self._log, self._configuration, self._take_over
        reloading = partial(reload_for_ever, self._loaded, self._load, self._reload, slots, *told)
        watching = partial(watch, shared.queue, lambda: slots.settings, shared.state.identity, self._log, self._refuse)
        following = partial(follow, shared.state.interventions, slots.obey)
        beat = partial(heartbeat, shared.load)
        until_stopped = [
            tasks.create_task(self._watched("readiness", self._tell_when_ready(slots, address, port))),
            tasks.create_task(self._watched("reloading", must_live("reloading", reloading))),
            tasks.create_task(kept("watching the state", watching, shared.wait_delay, self._log)),
            tasks.create_task(kept("looking for what operators ask", following, shared.wait_delay, self._log)),
        ]
        beating = tasks.create_task(kept("the heartbeat", beat, shared.wait_delay, self._log))
        noting = tasks.create_task(kept("noting latencies", self._note_latencies, shared.wait_delay, self._log))
        try:
            await self._ending.wait()
            for task in until_stopped:
                task.cancel()
            tell_of_stopping(self._log, slots.settings.drain, **shown(slots.in_flight))
            telling = partial(self._tell_on, slots)
            until_stopped = [tasks.create_task(kept("telling of the stop", telling, shared.wait_delay, self._log))]
            committed = await slots.drain()
        except asyncio.CancelledError:
            self._broken = True
            raise
        for task in (beating, noting, *until_stopped):
            task.cancel()
        self._log.info("stopped", committed=committed)
        if self._refused is not None:
            raise StateNotShared(self._refused)
        return 0 if committed and not self._broken else 1

    def _take_over(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._taken_over(loaded)

    async def _tell_on(self, slots: Slots) -> None:
        async def in_flight() -> InFlight:
            # A parent tells of all its workers.
            return slots.in_flight if self._parent is None else {}

        await tell_on(self._log, slots.settings.drain, in_flight)

    async def _watched(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._fail(what, error)

    def _fail(self, what: str, error: Exception) -> None:
        """Begin to drain after a bug; the process is to be started again from outside."""
        self._log.error("task failed", task=what, detail=told(error), trace=trace(error))
        self._broken = True
        if not self._ending.is_set():
            self._stop()

    async def _open(self, stack: AsyncExitStack) -> tuple[Shared, set[str], Mapping[str, Intervention]]:
        settings = self._loaded.settings
        groups = settings.groups
        for destination in settings.running:
            self._metrics.watch(destination.name, self._startup.gauges)
        tracing = await stack.enter_async_context(open_tracing(settings.tracing, self._metrics, self._log))
        if tracing is not None:
            self._attempts.keep_every()
        state, queue, interventions = await open_state_and_queue(stack, settings, groups, self._startup, self._log)
        await off_loop(remember, settings, self._loaded.files)
        shared = self._shared = Shared(
            queue=queue,
            state=state,
            memory=Pool(int(settings.memory)),
            connections=Pool(open_files.connections(), least=1),
            load=LoopLoad(),
            metrics=self._metrics,
            log=self._log,
            clock=self._clock,
            wait_delay=probe_delay(random.uniform),
            queue_delay=reach_delay(random.uniform),
            tracing=tracing,
            attempts=self._attempts,
        )
        return shared, groups, interventions

    async def _tell_when_ready(self, slots: Slots, address: str, port: int) -> None:
        while not slots.reading:  # noqa: ASYNC110 (many slots, each with a state of its own, and only until they read)
            await asyncio.sleep(LOOK_SECONDS)
        freeze_after_start()
        destinations = len(self._loaded.settings.running)
        facts = {"ops": address, "port": port, "destinations": destinations, "build": in_words(BUILD)}
        if self._parent is None:
            self._log.info("ready", **facts)
        else:  # the parent logs "ready" itself, once, for all its workers
            self._log.info("worker ready", **facts)

    # -- health and status

    def _parts(self) -> Shared | str:
        return self._shared or self._startup.reason

    def _now(self) -> Settings:
        return self._loaded.settings if self._slots is None else self._slots.settings

    def _health(self) -> Health:
        health = self._startup.health() if self._slots is None else self._slots.health()
        return Health(False, ("ending by a bug", *health.reasons)) if self._broken else health

    def _flows(self) -> list[DataflowStatus]:
        return self._startup.status() if self._slots is None else self._slots.status()

    def _status(self) -> StatusDocument:
        destinations = {destination.name: destination for destination in self._now().running}
        flows = described(self._flows(), destinations, lambda name: self._metrics.of(name).history)
        return document(self._started_at, self._configuration.status, flows)

    def _standing_by(self) -> int:
        return sum(flow.state == "standby" for flow in self._flows())

    async def _note_latencies(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_SECONDS)
            self._metrics.snapshot()

    def _refuse(self, why: str) -> None:
        self._refused = why
        self._stop()

    # -- signals

    def _orphaned(self) -> None:
        self._log.warning("parent gone")
        self._stop()

    def _stop(self) -> None:
        # A terminal or systemd signals a worker as well as its parent, and the parent passes the signal on: one wish,
        # not two.
        if self._ending.is_set() and self._parent is None:
            self._cut()
        self._ending.set()

    def _cut(self) -> None:
        if self._slots is not None:
            self._log.warning("cut", detail="a second signal: not waiting for what is in flight")
            self._slots.cut()
