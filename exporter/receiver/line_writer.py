"""Lines to a file or to stdout: gathered for a moment, then written and flushed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import BinaryIO

FLUSH_SECONDS = 0.005


class Lines:
    """Writes lines without a system call for each; a line is in the file after ``FLUSH_SECONDS``.

    Args:
        stream: where to; the caller opens and closes the stream, and calls ``flush`` before closing.
        failed: called once if the stream can't be written; later lines are dropped.
    """

    def __init__(self, stream: BinaryIO, failed: Callable[[OSError], None]) -> None:
        self._stream = stream
        self._failed = failed
        self._waiting: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._broken = False

    def write(self, line: bytes) -> None:
        """Take a line, with the line break."""
        if self._broken:
            return
        self._waiting.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand everything taken so far to the operating system."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        lines, self._waiting = self._waiting, []
        try:
            self._stream.write(b"".join(lines))
            self._stream.flush()
        except OSError as error:
            self._broken = True
            self._failed(error)
