"""A control that only sleeps, a millisecond at a time: where it oversleeps, its core was kept from everybody.

Prints on SIGTERM, as JSON, how many seconds each sleep was too long, beside when it ended, in nanoseconds of the
monotonic clock.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.cores import pinned
from benchmarks.processes import end
from benchmarks.setting import REPOSITORY

_SLEEP_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Sleep:
    """When a sleep ended (ns of the monotonic clock), and the seconds that it was too long."""

    ended: int
    late_seconds: float


class Control:
    """A running control; ``sleeps`` are there once the context has ended."""

    def __init__(self) -> None:
        self.sleeps: Sequence[Sleep] = ()

    def between(self, begun: int, ended: int) -> list[Sleep]:
        """The sleeps that ended within the time (ns)."""
        return [sleep for sleep in self.sleeps if begun <= sleep.ended <= ended]


@contextmanager
def control(core: int | None) -> Iterator[Control]:
    """A control on a core; on those of this process for None."""
    running = Control()
    argv = pinned([sys.executable, "-m", "benchmarks.control"], core)
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield running
        process.terminate()
        running.sleeps = [Sleep(ended, late) for ended, late in json.loads(process.stdout.read())]
    finally:
        end(process)


def main() -> None:
    """Sleep until SIGTERM."""
    asked = False

    def stop(_: int, __: object) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, stop)
    print("sleeping", flush=True)
    sleeps = []
    while not asked:
        begun = time.monotonic_ns()
        time.sleep(_SLEEP_SECONDS)
        ended = time.monotonic_ns()
        sleeps.append((ended, (ended - begun) / 1e9 - _SLEEP_SECONDS))
    print(json.dumps(sleeps), flush=True)


if __name__ == "__main__":
    main()
