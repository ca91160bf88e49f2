"""Writes the log on a thread of its own: a slow or absent reader holds nothing up, and costs lines at most."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

#: The most bytes that wait to be written; lines beyond are lost, and counted.
HELD_BYTES: Final = 1024 * 1024
#: At the end, waiting lines are written as long as every ``END_SECONDS`` see some progress, for ``END_MOST_SECONDS``.
END_SECONDS: Final = 1.0
END_MOST_SECONDS: Final = 10.0


class LogWriter:
    """Stands for a stream of text whose writes return at once, from any thread. Made by ``log_writer``.

    Lines are written whole and in order. Where lines were lost (not read in time, or not writable), a line in their
    place tells their number, as soon as a line can be written again.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, lost_line: Callable[[int], str]) -> None:
        """``lost_line`` makes the line for a number of lost lines; called on the writing thread."""
        self._descriptor = descriptor
        self._lost_line = lost_line
        self._due: Callable[[], float | None] = lambda: None
        self._do: Callable[[], None] = lambda: None
        # The lock is reentrant for the thread that holds it: objects that are collected as garbage meanwhile may log.
        self._changed = threading.Condition()
        self._waiting: deque[bytes | int] = deque()  # lines, and the numbers of lines lost in between
        self._held = 0
        self._dropped = 0  # lines lost since the last line that was taken
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._steps = 0  # writes that the thread has made
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
        """Do nothing: written lines are on their way."""

    def isatty(self) -> bool:
        """Whether people read the log on a terminal."""
        return os.isatty(self._descriptor)

    def start(self) -> None:
        """Begin to write.

        Raises:
            RuntimeError: no thread is left.
        """
        self._thread.start()

    def end(self) -> None:
        """Write the waiting lines while that makes progress: a reader that does not read must not keep the process."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        until = time.monotonic() + END_MOST_SECONDS
        before = -1
        while self._thread.is_alive() and self._steps != before and time.monotonic() < until:
            before = self._steps
            self._thread.join(END_SECONDS)

    def regularly(self, due: Callable[[], float | None], do: Callable[[], None]) -> None:
        """Have the thread call ``do`` whenever ``due`` gives 0: the seconds until then, or None: after a line at most.

        Neither may fail; ``do`` may write.
        """
        with self._changed:
            self._due, self._do = due, do
            self._changed.notify()

    # From here on: the thread.

    def _work(self) -> None:
        lost = 0  # lost lines of which the log has no line yet
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
        """The next line, or a number of lost lines; None at the end."""
        self._rest()
        with self._changed:
            if self._waiting:
                line = self._waiting.popleft()
                if isinstance(line, bytes):
                    self._held -= len(line)
                return line
            dropped, self._dropped = self._dropped, 0
            return dropped or None

    def _rest(self) -> None:
        """Wait for something to write, and do what is due meanwhile.

        ``due`` and ``do`` take locks of their own, and whoever has these may write: they are called without ours.
        """
        while True:
            with self._changed:
                due, do = self._due, self._do
                if self._has_work():
                    return
            seconds = due()
            if seconds == 0:
                do()
                continue
            with self._changed:
                if not self._has_work() and self._due is due:
                    self._changed.wait(seconds)

    def _has_work(self) -> bool:
        return bool(self._waiting or self._dropped or self._ending)

    def _written(self, line: bytes) -> bool:
        left = memoryview(b"\n" + line if self._torn else line)
        while left:
            try:
                written = os.write(self._descriptor, left)
                left = left[written:]
                self._steps += 1
                self._torn = bool(left)
            except BlockingIOError:
                # The descriptor was handed over as non-blocking.
                self._until_writable()
            except OSError:  # the reader is gone, or the disk is full
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
        RuntimeError: on entering; no thread is left.
    """
    writer = LogWriter(descriptor, lost_line)
    writer.start()
    try:
        yield writer
    finally:
        writer.end()
