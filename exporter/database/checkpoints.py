"""Copies the pages of the write-ahead log into the file, on a separate thread, so that no commit waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Final

import apsw

#: The pages after which the log is copied, as SQLite itself would: 4 MB of 4 KB pages; and after as many more, again.
LOG_PAGES: Final = 1000
#: How often pages that came meanwhile are copied too: once all are copied, the next commit begins the log anew.
PASSES: Final = 5
#: A log so long, since commits never leave a gap or other connections always read, is begun anew while writers wait.
#: A failed try is repeated at twice the length.
TOO_MANY_PAGES: Final = 8 * LOG_PAGES
#: How long that waits for readers, while writers wait in turn; then the next try has to do.
RESTART_SECONDS: Final = 0.1


class Checkpoints:
    """The checkpoints of a file. The thread is there from the first time that the log is long."""

    def __init__(self, connect: Callable[[], apsw.Connection], log_pages: int = LOG_PAGES) -> None:
        """``connect`` makes a connection for the thread; the log is copied after ``log_pages`` pages."""
        self._connect = connect
        self._log_pages = log_pages
        self._thread: threading.Thread | None = None
        self._asked = threading.Event()
        self._tried = 0  # the length of the log when a checkpoint was last asked for
        self._too_many = max(TOO_MANY_PAGES, 4 * log_pages)
        self._restart_at = self._too_many
        self._ending = False

    def hear(self, connection: apsw.Connection, database: str, pages: int) -> int:  # noqa: ARG002 - SQLite's signature
        """The hook after a commit, in place of SQLite's own, which would copy the log before the commit returns."""
        if pages < self._tried:
            # The log began anew.
            self._tried = 0
            self._restart_at = self._too_many
        if pages - self._tried >= self._log_pages:
            self._tried = pages
            self._asked.set()
            if (self._thread is None or not self._thread.is_alive()) and not self._begun():
                self._checkpoint(connection)  # as SQLite's own hook does
        return apsw.SQLITE_OK

    def _begun(self) -> bool:
        """Start the thread; False where that fails, since nothing may be raised into a commit that succeeded."""
        try:
            self._thread = threading.Thread(target=self._work, name="sqlite checkpoints", daemon=True)
            self._thread.start()
        except (RuntimeError, MemoryError):
            self._thread = None
            return False
        return True

    def end(self) -> None:
        """End the thread, if any, and wait for the end."""
        self._ending = True
        self._asked.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        with ExitStack() as stack:
            connection: apsw.Connection | None = None
            while True:
                self._asked.wait()
                if self._ending:
                    return
                self._asked.clear()
                if connection is None:
                    connection = self._connected(stack)
                if connection is not None:
                    self._checkpoint(connection)

    def _connected(self, stack: ExitStack) -> apsw.Connection | None:
        with ExitStack() as trying:
            try:
                connection = trying.enter_context(closing(self._connect()))
                # SQLite's own naps, since the file is held meanwhile: Python's would wait for the interpreter too.
                connection.set_busy_timeout(int(RESTART_SECONDS * 1000))
                # Before its first look at the file a connection does not know that there is a log.
                connection.pragma("user_version")
            except (apsw.Error, MemoryError):
                return None  # no descriptor is free, for example; the next try comes when the log is longer
            stack.push(trying.pop_all())
        return connection

    def _checkpoint(self, connection: apsw.Connection) -> None:
        try:
            for _ in range(PASSES):
                # Beside readers and writers: no connection waits.
                pages, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                if copied >= pages:
                    break
            if pages >= self._restart_at:
                self._restart_at = 2 * pages
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except (apsw.Error, MemoryError):
            pass  # another process checkpoints, or a reader is slow, or the disk fails, which the next commit tells
