"""Writes the log on a thread of its own: a reader that is slow or gone holds up nobody, and costs lines at most."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: What waits to be written, at most; what comes beyond it is lost, and counted.
HELD_BYTES: Final = 1024 * 1024
#: The end waits for what has not been written yet, as long as some of it is in so many seconds, up to a limit.
END_SECONDS: Final = 1.0
END_MOST_SECONDS: Final = 10.0


class LogWriter:
    """Stands for a stream of text, whose writes return at once; from any thread. Made by ``log_writer``.

    Lines are written whole and in order. Where some were lost (nobody read them in time, or they could not be written)
    a line in their place says how many, as soon as one can be written again.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, lost_line: Callable[[int], str]) -> None:
        """``lost_line`` makes that line; it is called on the thread."""
        self._descriptor = descriptor
        self._lost_line = lost_line
        # Its lock may be taken again by the thread that has it: what is collected as garbage meanwhile may log.
        self._changed = threading.Condition()
        self._waiting: deque[bytes | int] = deque()  # lines, and of those lost in between the number
        self._held = 0
        self._dropped = 0  # since the last that was taken
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._steps = 0  # that the thread has made
        self._torn = False  # a line was cut off
        self.lost = 0  # lines, since the start

    def write(self, text: str) -> int:
        """Take a text, which ends with a line break."""
        line = text.encode("utf-8", "backslashreplace")
        with self._changed:
            if self._waiting and self._held + len(line) > HELD_BYTES:
                self._dropped += 1
                self.lost += 1
                return len(text)
            if self._dropped:
                self._waiting.append(self._dropped)
                self._dropped = 0
            self._waiting.append(line)
            self._held += len(line)
            self._changed.notify()
        return len(text)

    def flush(self) -> None:
        """What was written is on its way."""

    def isatty(self) -> bool:
        """Whether people read it on a terminal."""
        return os.isatty(self._descriptor)

    def start(self) -> None:
        """Begin to write. Raises RuntimeError: there is no thread left."""
        self._thread.start()

    def end(self) -> None:
        """Write what waits while that goes on: whoever does not read must not keep the process."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        until = time.monotonic() + END_MOST_SECONDS
        before = -1
        while self._thread.is_alive() and self._steps != before and time.monotonic() < until:
            before = self._steps
            self._thread.join(END_SECONDS)

    # From here on: the thread.

    def _work(self) -> None:
        lost = 0  # of which nothing has been said yet
        while (line := self._next()) is not None:
            if isinstance(line, int):
                lost += line
            if lost and self._written(self._lost_line(lost).encode()):
                lost = 0
            if isinstance(line, bytes) and (lost or not self._written(line)):
                lost += 1
                with self._changed:
                    self.lost += 1

    def _next(self) -> bytes | int | None:
        """What comes next; None: the end."""
        with self._changed:
            while not self._waiting and not self._dropped and not self._ending:
                self._changed.wait()
            if self._waiting:
                line = self._waiting.popleft()
                if isinstance(line, bytes):
                    self._held -= len(line)
                return line
            dropped, self._dropped = self._dropped, 0
            return dropped or None

    def _written(self, line: bytes) -> bool:
        left = memoryview(b"\n" + line if self._torn else line)
        while left:
            try:
                written = os.write(self._descriptor, left)
                left = left[written:]
                self._steps += 1
                self._torn = bool(left)
            except BlockingIOError:
                # Whoever gave us the descriptor made it one that never waits.
                self._until_writable()
            except OSError:  # nobody is left to read it, the disk is full
                return False
        return True

    def _until_writable(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll()


@contextmanager
def log_writer(descriptor: int, lost_line: Callable[[int], str]) -> Iterator[LogWriter]:
    """Write to ``descriptor``, which stays open, until the context ends.

    Raises:
        RuntimeError: on entering: there is no thread left.
    """
    writer = LogWriter(descriptor, lost_line)
    writer.start()
    try:
        yield writer
    finally:
        writer.end()
