"""The processes of a measurement: how much each has used, and how processes are waited for and ended."""

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
    """A measurement could not be made; the text says why."""


class Missing(Failed):
    """The machine lacks a program for a measurement; the text says how to install the program."""


class Used:
    """The resources that a process has used so far."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """The CPU time of all threads, in user and system mode."""
        with suppress(AttributeError, OSError):
            # Linux has a clock for each process (clock_getcpuclockid(3)); psutil's clock has steps of 10 ms.
            return time.clock_gettime((~self._process.pid << 3) | 2)
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """The resident memory now."""
        return float(self._process.memory_info().rss) / 1024**2

    def peak_megabytes(self) -> float:
        """The highest resident memory, where the system tells; otherwise the resident memory now."""
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
        """The number of requests so far."""
        return int(self._ask("count"))

    def stats(self) -> Any:
        """All counts of the receiver."""
        return self._ask("stats")

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=60) as answer:
            return json.loads(answer.read())


def end(process: subprocess.Popen[Any]) -> None:
    """Send SIGTERM; SIGKILL where the process does not end within seconds."""
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def until(what: str, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS, every: float = 0.05) -> None:
    """Return once ``done`` is true.

    Raises:
        Failed: so many seconds have passed; the text names ``what`` was waited for.
    """
    latest = time.monotonic() + seconds
    while not done():
        if time.monotonic() > latest:
            raise Failed(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)
