"""Every core in use: a thin parent that runs one daemon a shard, passes signals on and restarts what crashed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import msgspec

from exporter.daemon.shard import Shard
from exporter.logs import Log
from exporter.metrics import Metrics
from exporter.ops import serve
from exporter.settings.tree import Ops
from exporter.status import DataflowStatus, Health

#: How often the workers are asked how they are.
ASK_SECONDS = 0.5
ANSWER_SECONDS = 2.0
#: A worker that ran this long and then crashed is restarted without the growing wait.
SETTLED_SECONDS = 60.0

_HEALTH = msgspec.json.Decoder(Health)
_STATUS = msgspec.json.Decoder(list[DataflowStatus])


class Worker:
    """One shard's process: started, restarted when it ends by itself, asked for its health."""

    def __init__(
        self, shard: Shard, command: Sequence[str], host: str, delay: Callable[[int], float], log: Log
    ) -> None:
        self.shard = shard
        self.health = Health(False, (f"shard {shard}: starting",))
        self.status: list[DataflowStatus] = []
        self.exit_code = 0
        self._command = [*command, "--shard", str(shard)]
        self._host = host
        self._delay = delay
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._port: int | None = None
        self._reload = False

    def send(self, number: signal.Signals) -> None:
        """Pass a signal on. SIGTERM and SIGINT also mean that it is not started again."""
        if number != signal.SIGHUP:
            self._stopping.set()
        elif self._port is None:
            # It may not listen to signals yet, and this one would end it.
            self._reload = True
            return
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def run(self) -> None:
        """Keep the process running until it was told to stop and has ended."""
        loop = asyncio.get_running_loop()
        crashes = 0
        while not self._stopping.is_set():
            began = loop.time()
            self.exit_code = await self._run_once()
            self._port = None
            self.health = Health(False, (f"shard {self.shard}: not running",))
            self.status = []
            if self._stopping.is_set():
                return
            crashes = 0 if loop.time() - began > SETTLED_SECONDS else crashes + 1
            wait = self._delay(max(0, crashes - 1))
            self._log.error("worker ended", shard=str(self.shard), exit_code=self.exit_code, restart_seconds=wait)
            try:
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """Ask the process how it is."""
        if self._port is None:
            return
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            async with session.get(f"http://{host}:{self._port}/ready") as answer:
                self.health = _HEALTH.decode(await answer.read())
            async with session.get(f"http://{host}:{self._port}/status") as answer:
                self.status = _STATUS.decode(await answer.read())
        except (aiohttp.ClientError, OSError, msgspec.MsgspecError):
            self.health = Health(False, (f"shard {self.shard}: does not answer",))

    async def _run_once(self) -> int:
        announcing, announced = os.pipe()
        # The worker's end of the second pipe is at its end when this process is gone, however it went.
        outliving, living = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                "--announce",
                str(announced),
                "--parent",
                str(outliving),
                pass_fds=(announced, outliving),
            )
        finally:
            os.close(announced)
            os.close(outliving)
        if self._stopping.is_set():
            self._process.terminate()
        try:
            with os.fdopen(announcing, "rb") as pipe:
                # Ends with the process at the latest, which holds the other end.
                line = await asyncio.to_thread(pipe.readline)
            self._port = int(line) if line.strip() else None
            if self._port is not None and self._reload:
                self._reload = False
                self.send(signal.SIGHUP)
            code = await self._process.wait()
        finally:
            os.close(living)
        # Told to stop before it listened to signals, it had nothing to commit.
        return 0 if self._stopping.is_set() and code in (-signal.SIGTERM, -signal.SIGINT) else code


class Workers:
    """The parent of ``count`` shards."""

    def __init__(
        self, count: int, config: Path, options: Sequence[str], ops: Ops, delay: Callable[[int], float], log: Log
    ) -> None:
        self._ops = ops
        self._log = log
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ops.host, ops.host)  # noqa: S104 (what is asked, not bound)
        command = [sys.executable, "-m", "exporter", "run", "--config", str(config), *options]
        self._workers = [Worker(Shard(n, count), command, host, delay, log) for n in range(1, count + 1)]
        self._stopping = False

    async def run(self) -> int:
        """Run until a signal ends it; returns the highest exit code of the shards.

        Raises:
            OpsUnavailable: the ops port can't be opened.
        """
        with self._signals():
            async with (
                serve(self._ops.host, self._ops.port, Metrics(), self._health, self._status) as port,
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)) as session,
                asyncio.TaskGroup() as tasks,
            ):
                self._log.info("ops", address=f"http://{self._ops.host}:{port}", port=port, workers=len(self._workers))
                running = [tasks.create_task(worker.run()) for worker in self._workers]
                asking = tasks.create_task(self._ask(session, port))
                await asyncio.wait(running)
                asking.cancel()
        return max(abs(worker.exit_code) for worker in self._workers)

    async def _ask(self, session: aiohttp.ClientSession, port: int) -> None:
        told = False
        while True:
            async with asyncio.TaskGroup() as tasks:
                for worker in self._workers:
                    tasks.create_task(worker.ask(session))
            if not told and self._health().ready and all(flow.state == "running" for flow in self._status()):
                told = True
                address = f"http://{self._ops.host}:{port}"
                counts = {"destinations": len(self._status()), "workers": len(self._workers)}
                self._log.info("ready", ops=address, port=port, **counts)
            await asyncio.sleep(ASK_SECONDS)

    def _health(self) -> Health:
        reasons = ["draining"] if self._stopping else []
        for worker in self._workers:
            reasons += worker.health.reasons
        return Health(not reasons, tuple(reasons))

    def _status(self) -> list[DataflowStatus]:
        return [flow for worker in self._workers for flow in worker.status]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._pass_on, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _pass_on(self, number: signal.Signals) -> None:
        self._stopping = self._stopping or number != signal.SIGHUP
        for worker in self._workers:
            worker.send(number)
