"""Keeps processes to a share of a core, without rights and on every platform: by suspending processes for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from benchmarks.processes import Used

_PERIOD_SECONDS = 0.002
#: The most CPU time that a process may save up from its share and use later.
_SAVED_SECONDS = 0.02


class _Kept:
    """A process and the CPU time that is left for now."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._used = Used(pid)
        self._seen = self._used.cpu_seconds()
        self._left_seconds = 0.0
        self._suspended = False

    def turn(self, earned_seconds: float) -> None:
        """Suspend the process when its share is used up, and resume the process when more is earned."""
        used = self._used.cpu_seconds()
        self._left_seconds = min(_SAVED_SECONDS, self._left_seconds + earned_seconds - (used - self._seen))
        self._seen = used
        if self._suspended != (self._left_seconds <= 0):
            self._suspended = not self._suspended
            (self._process.suspend if self._suspended else self._process.resume)()

    def release(self) -> None:
        """Let the process go on without a limit."""
        with suppress(psutil.NoSuchProcess):
            self._process.resume()


@contextmanager
def kept_to(share: float, pids: Sequence[int]) -> Iterator[None]:
    """For the length of the block, keep each of these processes to a share of a core's CPU time."""
    ended = threading.Event()
    kept = [_Kept(pid) for pid in pids]

    def watch() -> None:
        last = time.monotonic()
        while not ended.wait(_PERIOD_SECONDS):
            now = time.monotonic()
            for each in kept:
                # A process that has ended is its owner's to notice.
                with suppress(psutil.NoSuchProcess):
                    each.turn(share * (now - last))
            last = now

    thread = threading.Thread(target=watch, name="share-of-a-core")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for each in kept:
            each.release()
