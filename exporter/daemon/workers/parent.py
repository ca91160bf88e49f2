"""Every core in use: a thin parent that runs one daemon a shard, passes signals on and restarts crashed daemons."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from exporter import __version__
from exporter.daemon import signals
from exporter.daemon.failures import kept
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import BUILD, begun_with, described, document, merged_config
from exporter.daemon.ops.local_socket import serve_locally
from exporter.daemon.ops.page.particulars import OfProcess
from exporter.daemon.ops.page.run_sheets import RunSheets
from exporter.daemon.ops.port import serve
from exporter.daemon.process import child
from exporter.daemon.reload import Load, TakenOver
from exporter.daemon.shared_state import REFUSED_EXIT_CODE
from exporter.daemon.stopping import InFlight, tell_of_stopping, tell_on
from exporter.daemon.workers.actions import WorkersActions
from exporter.daemon.workers.attempts import WorkersAttempts
from exporter.daemon.workers.shard import Shard
from exporter.daemon.workers.worker import Worker
from exporter.dataflow.dependencies import Clock
from exporter.sections.urls import http_address
from exporter.settings.loading.load import Loaded
from exporter.state.kinds import open_state
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.build import in_words
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.status import DataflowState, DataflowStatus, Health, StatusDocument

#: How often the workers are asked for their health.
ASK_SECONDS = 0.5
ANSWER_SECONDS = 2.0

T = TypeVar("T")


class Workers:
    """The parent of ``count`` shards of the configuration in the file ``config``; the ops port answers for all shards.

    ``load`` reads the same file again, as ``loaded`` was read; ``taken_over`` is called with what was read. One of
    ``sockets`` is where the commands on this machine ask the parent; each worker has its own beside it. ``epoch`` gives
    the seconds since the epoch.
    """

    def __init__(
        self,
        count: int,
        config: Path,
        options: Sequence[str],
        loaded: Loaded,
        load: Load,
        delay: Callable[[int], float],
        metrics: Metrics,
        log: Log,
        sockets: Sequence[Path],
        epoch: Callable[[], float],
        taken_over: TakenOver = lambda _: None,
    ) -> None:
        ops = self._ops = loaded.settings.ops
        self._load = load
        self._taken_over = taken_over
        self._delay = delay
        self._metrics = metrics
        self._log = log
        self._notes = loaded.notes
        self._sockets = sockets
        self._epoch = epoch
        self._started_at = epoch()
        self._configuration = ConfigurationHealth(epoch, begun_with(loaded))
        ProcessMetrics(metrics, __version__, BUILD)
        self._read(loaded)
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ops.host, ops.host)  # noqa: S104 (what is asked, not bound)
        command = child.command("run", "--config", str(config), *options)
        shards = [Shard(number, count) for number in range(1, count + 1)]
        self._workers = [Worker(shard, command, host, shard.sockets(sockets), delay, log) for shard in shards]
        self._stopping = False
        self._stop_begins = asyncio.Event()
        self._asked = asyncio.Event()  # set when the configuration is to be read again
        self._told = False  # whether "ready" was logged
        self._session: aiohttp.ClientSession

    async def run(self) -> int:
        """Run until a signal. The exit code: 0, 78 if a worker refused to run, 1 if a worker ended with any other code.

        Raises:
            OpsUnavailable: the ops port can't be opened.
        """
        for note in self._notes:
            self._log.warning("note", detail=note)
        whom = self._workers, lambda: [each.name for each in self._running], self._configuration.status.file
        attempts = WorkersAttempts(*whom)
        particulars = OfProcess(lambda: self._loaded, lambda: open_state(self._loaded.settings.state), attempts)
        sheets = RunSheets(self._status, particulars, Clock(time.monotonic, self._epoch))
        desk = Desk(self, self._health, self._status, self._log, WorkersActions(*whom), attempts, sheets)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        with signals.heard({number: partial(self._pass_on, number) for number in numbers}):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)) as self._session,
                serve(self._ops.host, self._ops.port, desk, self._ops.token, self._ops.hosts) as port,
                serve_locally(self._sockets, desk),
                asyncio.TaskGroup() as tasks,
            ):
                address = http_address(self._ops.host, port)
                self._log.info("ops", address=address, port=port, workers=len(self._workers))
                running = [tasks.create_task(worker.run()) for worker in self._workers]
                looking = tasks.create_task(
                    kept("looking after workers", partial(self._look, address, port), self._delay, self._log)
                )
                reading = tasks.create_task(
                    kept("reading the configuration again", self._read_again, self._delay, self._log)
                )
                telling = tasks.create_task(kept("telling of the stop", self._tell_on, self._delay, self._log))
                await self._ended(running)
                attempts.end()
                for task in (looking, reading, telling):
                    task.cancel()
        if any(worker.refused for worker in self._workers):
            return REFUSED_EXIT_CODE
        return 1 if any(worker.exit_code for worker in self._workers) else 0

    async def _ended(self, running: Collection[asyncio.Task[None]]) -> None:
        """Wait for all workers; when a worker refused to run, end the rest too."""
        left = set(running)
        while left:
            _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            if any(worker.refused for worker in self._workers) and not self._stopping:
                self._pass_on(signal.SIGTERM)

    async def expose(self) -> bytes:
        """The metrics of the parent, and those of all workers that answer."""
        of_workers = await self._of_each(lambda worker: worker.metrics(self._session))
        return merged([await self._metrics.expose(), *of_workers])

    async def _look(self, address: str, port: int) -> None:
        while True:
            await self._of_each(lambda worker: worker.look(self._session))
            if not self._told and self._health().ready:
                flows = (await self._status()).destinations
                self._told = all(flow.state in ("running", "paused") for flow in flows)
                if self._told:
                    counts = {"destinations": len(flows), "workers": len(self._workers)}
                    self._log.info("ready", ops=address, port=port, build=in_words(BUILD), **counts)
            await asyncio.sleep(ASK_SECONDS)

    def _health(self) -> Health:
        reasons = ["draining"] if self._stopping else []
        for worker in self._workers:
            reasons += worker.health.reasons
        return Health(not reasons, tuple(reasons))

    async def _status(self) -> StatusDocument:
        """The status of all dataflows in the order of the configuration, also for a worker that does not answer."""
        answers = await self._of_each(lambda worker: worker.status(self._session))
        state: DataflowState = "draining" if self._stopping else "starting"
        flows = {flow.destination: flow for answer in answers if answer is not None for flow in answer.destinations}
        destinations = {destination.name: destination for destination in self._running}
        for worker, answer in zip(self._workers, answers, strict=True):
            if answer is None:
                why = "; ".join(worker.health.reasons) or f"shard {worker.shard}: does not answer"
                silent = [DataflowStatus(name, state, last_failure=why) for name in worker.shard.owned(destinations)]
                for flow in described(silent, destinations):
                    flows.setdefault(flow.destination, flow)
        config = merged_config(self._configuration.status, (each.config for each in answers if each is not None))
        ordered = sorted(flows.values(), key=lambda flow: self._places.get(flow.destination, len(self._places)))
        return document(self._started_at, config, ordered)

    async def _of_each(self, ask: Callable[[Worker], Coroutine[Any, Any, T]]) -> list[T]:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(ask(worker)) for worker in self._workers]
        return [each.result() for each in asked]

    # -- the stop

    async def _tell_on(self) -> None:
        await self._stop_begins.wait()
        await tell_on(self._log, self._drain, self._in_flight)

    async def _in_flight(self) -> InFlight:
        return {flow.destination: flow.in_flight for flow in (await self._status()).destinations if flow.in_flight}

    # -- signals

    def _pass_on(self, number: signal.Signals) -> None:
        if number == signal.SIGHUP:
            self._asked.set()
        for worker in self._workers:
            if number == signal.SIGHUP:
                worker.reload()
            elif self._stopping:
                worker.cut()
            else:
                worker.stop(number)
        if number != signal.SIGHUP and not self._stopping:
            # What is in flight just now, each worker says.
            tell_of_stopping(self._log, self._drain, workers=len(self._workers))
            self._stopping = True
            self._stop_begins.set()

    async def _read_again(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            if isinstance(again := await off_loop(self._load), Loaded):
                self._read(again)
                self._taken_over(again)
                self._configuration.applied()
            else:
                self._configuration.refused("invalid", [str(problem) for problem in again.problems])

    def _read(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._drain = loaded.settings.drain
        self._places = {destination.name: place for place, destination in enumerate(loaded.settings.destinations)}
        self._running = loaded.settings.running


def merged(expositions: Iterable[bytes]) -> bytes:
    """Expositions in Prometheus' text format as one text; the lines of a family stand together, as the format demands.

    No series is in two expositions: a worker's series carry ``destination``, which runs in one worker only, or
    ``shard``; the parent's series carry neither.
    """
    families: dict[bytes, list[bytes]] = {}
    for exposition in expositions:
        family = families.setdefault(b"", [])
        for line in exposition.splitlines(keepends=True):
            if line.startswith(b"# HELP "):
                family = families.setdefault(line, [])
            elif not line.startswith(b"# TYPE ") or not family:
                family.append(line)
    return b"".join(head + b"".join(lines) for head, lines in families.items())
