"""The daemon of the demo, and its way in, each in a process of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import orjson

from exporter.daemon.process import child
from exporter.tasks.background import group

#: How long the daemon may take to start, and to stop.
PATIENCE_SECONDS = 40.0
_LAST_LINES = 15


class DaemonFailed(Exception):
    """The daemon ended or was not ready in time; the text holds the end of the log."""


class DaemonProcess:
    """A running ``exporter run`` or ``exporter serve``, made by ``start_daemon``."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._ready: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()

    async def follow(self) -> None:
        """Copy the daemon's log to the file until the daemon ends."""
        assert self._process.stderr is not None  # noqa: S101 - the daemon was started with a pipe
        with self._log.open("ab") as file:
            async for line in self._process.stderr:
                file.write(line)
                file.flush()
                self._last.append(line.decode("utf-8", "replace").rstrip())
                ready = _ready(line)
                if ready is not None and not self._ready.done():
                    self._ready.set_result(ready)
        if not self._ready.done():
            self._ready.set_exception(DaemonFailed(self._told("the daemon ended before it was ready")))

    async def ops(self) -> str:
        """The address of the ops port, once the daemon is ready.

        Raises:
            DaemonFailed: the daemon ended, or takes too long.
        """
        return str((await self._when_ready())["ops"])

    async def collection(self) -> str:
        """What the URLs of inlets begin with, once ``exporter serve`` is ready.

        Raises:
            DaemonFailed: the process ended, or takes too long.
        """
        return str((await self._when_ready())["collection"])

    async def _when_ready(self) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(self._ready)
        except TimeoutError:
            raise DaemonFailed(self._told("the daemon did not become ready")) from None

    def check(self) -> None:
        """Return if the daemon has not ended.

        Raises:
            DaemonFailed: the daemon has ended.
        """
        if self._process.returncode is not None:
            raise DaemonFailed(self._told(f"the daemon ended with exit code {self._process.returncode}"))

    async def stop(self) -> int:
        """Send SIGTERM and return the exit code; a daemon that takes too long is killed, with a negative code."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()

    def kill(self) -> None:
        """End the daemon at once, if still running."""
        if self._process.returncode is None:
            self._process.kill()

    def _told(self, what: str) -> str:
        return "\n".join([what, *(f"  {line}" for line in self._last)])


def _ready(line: bytes) -> Mapping[str, Any] | None:
    """A log line that says ``ready``, else None."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(entry, dict) or entry.get("event") != "ready":
        return None
    return entry


@asynccontextmanager
async def start_daemon(
    config: Path, environ: Mapping[str, str], log: Path, command: Literal["run", "serve"] = "run"
) -> AsyncIterator[DaemonProcess]:
    """Run the daemon for the length of the context; it is killed if it still runs at the end.

    Args:
        config: the configuration.
        environ: the environment.
        log: the file for the daemon's log.
        command: which of the two it is.
    """
    process = await asyncio.create_subprocess_exec(
        *child.command(command, "--config", str(config), "--log-format", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=child.environment(environ),
    )
    daemon = DaemonProcess(process, log)
    async with group() as tasks:
        tasks.create_task(daemon.follow())
        try:
            yield daemon
        finally:
            daemon.kill()
            # Only now does the log end, and ``follow`` with it.
            await process.wait()
