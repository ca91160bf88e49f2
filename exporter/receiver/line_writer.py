"""Lines to a file or to stdout, written on a thread of its own: a slow reader holds up no request."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from io import RawIOBase
from typing import Final

#: How long lines are gathered before a write.
FLUSH_SECONDS: Final = 0.005
#: The most bytes that wait, where lines may be lost.
HELD_BYTES: Final = 1024 * 1024
#: How long the end waits for unwritten lines.
END_SECONDS: Final = 1.0


class LineWriter:
    """Writes lines in order; a line is in the file soon after ``FLUSH_SECONDS``."""

    def __init__(
        self,
        stream: RawIOBase,
        failed: Callable[[OSError], None],
        lost: Callable[[int], bytes] | None = None,
        end_seconds: float | None = END_SECONDS,
    ) -> None:
        """Start the writing thread.

        Args:
            stream: the target; the caller opens and closes the stream, and calls ``end`` before closing.
            failed: called once on the event loop if the stream can't be written; later lines are dropped.
            lost: makes the text in place of lines that were not read in time, from their number; without ``lost`` no
                line is lost, and all waiting lines are held.
            end_seconds: how long ``end`` waits at most; None: until all lines are written.
        """
        self._stream = stream
        self._failed = failed
        self._lost = lost
        self._end_seconds = end_seconds
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._held = 0
        self._dropped = 0
        self._broken = False
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="lines", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Take a line, with its line break."""
        with self._changed:
            if self._broken:
                return
            if self._lost is not None:
                if self._held > HELD_BYTES:
                    self._dropped += 1
                    return
                self._tell_of_lost()
            self._waiting.append(line)
            self._held += len(line)
            self._changed.notify()

    def end(self) -> None:
        """Hand the waiting lines to the operating system."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(self._end_seconds)

    def _tell_of_lost(self) -> None:
        if self._dropped and self._lost is not None:
            self._waiting.append(self._lost(self._dropped))
            self._dropped = 0

    # From here on: the thread.

    def _work(self) -> None:
        while (gathered := self._gathered()) is not None:
            try:
                self._write(gathered)
            except OSError as error:
                with self._changed:
                    self._broken = True
                    self._waiting.clear()
                if not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self._failed, error)
                return
            with self._changed:
                self._held -= len(gathered)

    def _gathered(self) -> bytes | None:
        with self._changed:
            while not self._waiting and not self._ending:
                self._changed.wait()
            ending = self._ending
        if not ending:
            time.sleep(FLUSH_SECONDS)
        with self._changed:
            self._tell_of_lost()
            if not self._waiting:
                return None
            lines, self._waiting = self._waiting, []
            gathered = b"".join(lines)
            self._held = len(gathered)
            return gathered

    def _write(self, gathered: bytes) -> None:
        left = memoryview(gathered)
        while left:
            left = left[self._stream.write(left) or 0 :]
