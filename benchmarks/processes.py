"""The processes of one measurement: how much they have used, and how they are waited for and ended."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PATIENCE_SECONDS = 120.0
_END_SECONDS = 5.0


class Failed(Exception):
    """A measurement could not be made, and why."""


class Missing(Failed):
    """What this machine lacks for a measurement, and how it is installed."""


class Used:
    """What one process has used so far."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """Of all its threads, in user and system mode."""
        with suppress(AttributeError, OSError):
            # Linux has a clock for each process (clock_getcpuclockid(3)); what psutil reads has steps of 10 ms.
            return time.clock_gettime((~self._process.pid << 3) | 2)
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Its resident memory now."""
        return float(self._process.memory_info().rss) / 1024**2

    def peak_megabytes(self) -> float:
        """Its highest resident memory, where the system tells; else what it is now."""
        status = Path(f"/proc/{self._process.pid}/status")
        if status.exists():
            for line in status.read_text(encoding="utf-8").splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
        return self.megabytes()


class Receiver:
    """A running ``lean_receiver.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Failed("the receiver does not start")
        self.port = int(json.loads(line)["port"])
        self.used = Used(process.pid)

    def count(self) -> int:
        """Requests so far."""
        return int(self._ask("count"))

    def stats(self) -> Any:
        """All that it counted."""
        return self._ask("stats")

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=60) as answer:
            return json.loads(answer.read())


def end(process: subprocess.Popen[Any]) -> None:
    """SIGTERM; SIGKILL where that does not end it within seconds."""
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def until(what: str, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS, every: float = 0.05) -> None:
    """Return once it is done. Raises Failed, with ``what`` was waited for, after so many seconds."""
    latest = time.monotonic() + seconds
    while not done():
        if time.monotonic() > latest:
            raise Failed(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)
