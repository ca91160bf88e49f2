"""Moves what stands in the write-ahead log into the file, on a thread of its own: no commit waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Final

import apsw

#: Pages in the log from which on it is emptied, as SQLite itself would: 4 MB of 4 KB pages.
LOG_PAGES: Final = 1000
#: How long it waits for others, while those who write wait for it; then it is left to the next time.
CHECKPOINT_SECONDS: Final = 0.1


class Checkpoints:
    """Of one file. The thread is there from the first time that the log is long."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        """``connect`` makes a connection for the thread."""
        self._connect = connect
        self._thread: threading.Thread | None = None
        self._asked = threading.Event()
        self._ending = False

    def hear(self, _: apsw.Connection, database: str, pages: int) -> int:  # noqa: ARG002 - SQLite's signature
        """SQLite's hook after a commit, in place of its own, which would empty the log before the commit returns."""
        if pages >= LOG_PAGES:
            self._asked.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sqlite checkpoints", daemon=True)
                self._thread.start()
        return apsw.SQLITE_OK

    def end(self) -> None:
        """End the thread, if there is one, and wait for it."""
        self._ending = True
        self._asked.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        try:
            connection = self._connect()
            # Before its first look at the file a connection does not know that there is a log.
            connection.pragma("user_version")
        except apsw.Error:
            return  # whoever writes next finds out what is wrong with the file, and says so
        with closing(connection):
            while True:
                self._asked.wait()
                if self._ending:
                    return
                self._asked.clear()
                self._checkpoint(connection)

    def _checkpoint(self, connection: apsw.Connection) -> None:
        try:
            # First what is there, beside those who write; then what came meanwhile, which keeps them waiting, but not
            # for long. Without the second a log that is written to all the time would never begin anew.
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except apsw.Error:
            pass  # another process is at it, or the disk fails, which the next commit says
