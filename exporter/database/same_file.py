"""Whether an open file still stands under its name: writes to a file that was deleted or replaced are never read."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from exporter.database.failures import FileLost, FileReplaced, said_by_system

LOOK_SECONDS: Final = 1.0
#: The smallest page of SQLite: from the moment that a file is open, it has a page at least.
_LEAST_BYTES: Final = 512


class _Node(NamedTuple):
    """The file that a name stands for."""

    device: int
    inode: int


class FirstSeen:
    """The file that stood under a name when first looked at."""

    def __init__(self, path: Path) -> None:
        """Note the file.

        Raises:
            FileLost: the file is not there, or cannot be looked at.
        """
        self._path = path
        self._file = _node(_status(path))
        self._truncated: str | None = None

    def refuse_another(self) -> None:
        """Return if the same file is there.

        Raises:
            FileReplaced: a different file has the name.
            FileLost: the file was removed, and once it is back, calls return again; or the file was emptied, and what
                may be written there since does not fit the log and what is known of the file.
        """
        status = _status(self._path)
        if _node(status) != self._file:
            raise FileReplaced(_lost(self._path, "replaced"))
        if self._truncated is None and status.st_size < _LEAST_BYTES:
            self._truncated = _truncated(self._path, status.st_size)
        if self._truncated is not None:
            raise FileLost(self._truncated)


class SameFile:
    """An open SQLite file and the write-ahead log beside the file, as first seen."""

    def __init__(self, path: Path) -> None:
        """Note the file and the log.

        Raises:
            FileLost: the file is not there, or cannot be looked at.
            OSError: the log cannot be looked at.
        """
        self._file = FirstSeen(path)
        # SQLite's own name for the log: beside the file itself, not beside a link.
        self._log = Path(os.path.realpath(path) + "-wal")
        self._log_file = _node_or_none(self._log)
        self._due = 0.0

    def refuse_another(self) -> None:
        """Return if the same files are there, or were seen within ``LOOK_SECONDS``.

        Raises:
            FileLost: a file was removed or replaced, and once both are back, calls return again; or it was emptied.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._file.refuse_another()
        self._look_at_log()
        self._due = now + LOOK_SECONDS

    def _look_at_log(self) -> None:
        """SQLite keeps the log as long as any process has the file open, and the log's commits are nowhere else."""
        try:
            log = _node_or_none(self._log)
        except OSError as error:
            raise FileLost(f"the open file cannot be found again: {said_by_system(error)}") from None
        if self._log_file is None:
            self._log_file = log
        elif log != self._log_file:
            raise FileLost(_lost(self._log, "removed" if log is None else "replaced"))


def _lost(path: Path, how: str) -> str:
    return f"{path} was {how} while it was open: put it back, or start the exporter again to go on with what is there"


def _truncated(path: Path, size: int) -> str:
    return (
        f"{path} was truncated to {size} bytes while it was open: stop the exporter, put the file and {path.name}-wal "
        "back from a copy or remove both, and start it again"
    )


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError:
        raise FileLost(_lost(path, "removed")) from None
    except OSError as error:
        raise FileLost(f"the open file cannot be found again: {said_by_system(error)}") from None


def _node(status: os.stat_result) -> _Node:
    return _Node(status.st_dev, status.st_ino)


def _node_or_none(path: Path) -> _Node | None:
    try:
        return _node(path.stat())
    except FileNotFoundError:
        return None
