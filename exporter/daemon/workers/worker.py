"""A shard's process, as seen by the parent: start, stop, restart after an unexpected end, questions to the ops port."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import aiohttp
import msgspec

from exporter.daemon.failures import told, trace
from exporter.daemon.process import child
from exporter.daemon.shared_state import REFUSED_EXIT_CODE
from exporter.daemon.workers.shard import Shard
from exporter.sections.urls import http_address
from exporter.tasks.ending import Ending
from exporter.tasks.lifetimes import whole
from exporter.telemetry.logs import Log
from exporter.telemetry.status import Health, StatusDocument

#: A worker that ran this long and then crashed is restarted without the growing wait.
SETTLED_SECONDS = 60.0

_HEALTH = msgspec.json.Decoder(Health)
_STATUS = msgspec.json.Decoder(StatusDocument)


class Worker:
    """A process that ``command`` starts, completed with ``--shard``; its ops port is asked at ``host``.

    Actions go through the one of ``sockets`` that it could have; it has none where there are none.
    """

    def __init__(
        self,
        shard: Shard,
        command: Sequence[str],
        host: str,
        sockets: Sequence[Path],
        delay: Callable[[int], float],
        log: Log,
    ) -> None:
        self.shard = shard
        self.sockets = sockets
        self.health = Health(False, (f"shard {shard}: starting",))
        self.exit_code = 0  # of the last end; a crash that a restart makes good does not count
        self.refused = False  # whether the worker refused to run beside other exporters: a restart would not help
        self._command = [*command, "--shard", str(shard)]
        self._host = host
        self._delay = delay
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._ending = Ending()
        self._living: int | None = None
        self._port: int | None = None
        self._reload = False

    # -- signals

    def stop(self, number: signal.Signals) -> None:
        """Pass on the signal that asks the worker to drain and end; the worker is not started again."""
        self._ending.set()
        self._signal(number)

    def cut(self) -> None:
        """Pass a second signal on: the worker is not to wait for attempts in flight."""
        if self._living is not None:
            with suppress(BrokenPipeError):
                os.write(self._living, b".")

    def reload(self) -> None:
        """Pass SIGHUP on."""
        if self._port is None:
            # The worker may not listen to signals yet, and loads anyway; for a change meanwhile, SIGHUP follows the
            # port.
            self._reload = True
        else:
            self._signal(signal.SIGHUP)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    # -- running

    async def run(self) -> None:
        """Keep the process running until told to stop; return once the process has ended."""
        loop = asyncio.get_running_loop()
        crashes = 0
        while not self._ending.is_set():
            began = loop.time()
            self.health = Health(False, (f"shard {self.shard}: starting",))
            code = await self._run_once()
            # A worker that could not read its configuration never had a port, and may find the file mended.
            self.refused = code == REFUSED_EXIT_CODE and self._port is not None
            self._port = None
            self.health = Health(False, (f"shard {self.shard}: not running",))
            if self._ending.is_set() or self.refused:
                self.exit_code = code
                return
            crashes = 0 if loop.time() - began > SETTLED_SECONDS else crashes + 1
            await self._wait_to_restart(code, self._delay(max(0, crashes - 1)))

    async def _wait_to_restart(self, code: int, seconds: float) -> None:
        why = f"ended with exit code {code}, to be started again after {seconds:.0f} s"
        self.health = Health(False, (f"shard {self.shard}: {why}",))
        self._log.error("worker ended", shard=str(self.shard), exit_code=code, restart_seconds=seconds)
        await self._ending.unless_asked(asyncio.sleep(seconds))

    async def _run_once(self) -> int:
        try:
            return await whole("what runs it", self._run_process)
        except OSError as error:  # no memory or no processes left; there may be soon
            self._log.error("worker cannot be started", shard=str(self.shard), detail=str(error))
            return 1
        except Exception as error:
            self._log.error("worker cannot be run", shard=str(self.shard), detail=told(error), trace=trace(error))
            return 1

    async def _run_process(self) -> int:
        announcing, announced = os.pipe()
        # The worker reads the end of the second pipe when this process is gone, however it ended.
        hearing, self._living = os.pipe()
        pipe = os.fdopen(announcing, "rb")
        try:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    "--announce",
                    str(announced),
                    "--parent",
                    str(hearing),
                    pass_fds=(announced, hearing),
                    env=child.environment(os.environ),
                )
            finally:
                os.close(announced)
                os.close(hearing)
            if self._ending.is_set():
                self._process.terminate()
            # The line ends with the process at the latest, which holds the other end of the pipe.
            line = await _line(pipe)
            self._port = int(line) if line.strip() else None
            if self._port is not None and self._reload:
                self._reload = False
                self._signal(signal.SIGHUP)
            code = await self._process.wait()
        finally:
            pipe.close()
            os.close(self._living)
            self._living = None
            process, self._process = self._process, None
            if process is not None:
                # After a failure here, the worker drains, having no parent; no second process may begin beside it.
                await process.wait()
        # A worker that was stopped before it listened to signals had nothing to commit.
        return 0 if self._ending.is_set() and self._port is None else code

    # -- health, status and metrics

    async def look(self, session: aiohttp.ClientSession) -> None:
        """Ask the worker whether it is ready, for ``health``."""
        asked = self._process
        if self._port is None:
            return
        answer = await self._get(session, "ready")
        if self._process is not asked:
            return  # the process ended meanwhile, and why has been noted
        try:
            self.health = _HEALTH.decode(answer or b"")
        except msgspec.MsgspecError:
            self.health = Health(False, (f"shard {self.shard}: does not answer",))

    async def status(self, session: aiohttp.ClientSession) -> StatusDocument | None:
        """The worker's status; None while the worker does not answer."""
        try:
            return _STATUS.decode(await self._get(session, "status") or b"")
        except msgspec.MsgspecError:
            return None

    async def metrics(self, session: aiohttp.ClientSession) -> bytes:
        """The worker's exposition; empty while the worker does not answer."""
        return await self._get(session, "metrics") or b""

    async def _get(self, session: aiohttp.ClientSession, path: str) -> bytes | None:
        if self._port is None:
            return None
        try:
            async with session.get(f"{http_address(self._host, self._port)}/{path}") as answer:
                return await answer.read()
        except (aiohttp.ClientError, OSError):
            return None


async def _line(pipe: BinaryIO) -> bytes:
    """The first line, or the bytes until the other end is closed; without a thread, since no thread may be left."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), pipe)
    try:
        return await reader.readline()
    finally:
        transport.close()
