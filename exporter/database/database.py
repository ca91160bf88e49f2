"""The thread that owns an SQLite connection: it commits writes in groups and watches for other processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import apsw

from exporter.database.checkpoints import LOG_PAGES, Checkpoints
from exporter.database.failures import DatabaseUnavailable, unavailable
from exporter.database.opening import Schema, connected, open_beside, open_file
from exporter.database.worker_loop import Inbox, Job, Kind, Watcher, Worker

T = TypeVar("T")


class Database:
    """One SQLite file, used from one event loop; other processes may have it open too."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, log_pages: int) -> None:
        """Not for callers: use ``open``."""
        self.path = path
        self._log_pages = log_pages
        self._loop = loop
        self._inbox = Inbox(loop)
        self._closed = False
        self._opened: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, schema: Schema, log_pages: int = LOG_PAGES) -> AsyncIterator[Self]:
        """Open, and create or migrate, the file; leaving waits for every call that was made.

        The write-ahead log is copied into the file after ``log_pages`` pages of 4 KB: a page that is written again and
        again before that is copied once.

        Raises:
            DatabaseRefused: the file cannot be used and was left as it is.
            DatabaseUnavailable: the file cannot be opened now.
        """
        async with cls._living(path, lambda: open_file(path, schema), log_pages) as database:
            yield database

    @asynccontextmanager
    async def second_connection(self) -> AsyncIterator[Self]:
        """A second connection to the same file, with a separate thread, to be left before the first is left.

        Raises:
            DatabaseUnavailable: the file cannot be opened now.
        """
        async with self._living(self.path, lambda: open_beside(self.path), self._log_pages) as database:
            yield database

    @classmethod
    @asynccontextmanager
    async def _living(cls, path: Path, connect: Callable[[], apsw.Connection], log_pages: int) -> AsyncIterator[Self]:
        self = cls(path, asyncio.get_running_loop(), log_pages)
        thread = threading.Thread(target=self._live, args=(connect,), name=f"sqlite {path.name}", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:  # no threads, or no memory, left to this process
            raise DatabaseUnavailable(f"no thread can be started ({error})") from error
        try:
            await asyncio.shield(self._opened)
            yield self
        finally:
            await self._close()
            thread.join()

    async def write(self, run: Callable[[apsw.Connection], T]) -> T:
        """Call ``run`` on the thread inside the next group's transaction; return the result once durable.

        An exception that ``run`` raises undoes and fails only this call of the group. The caller may be cancelled;
        ``run`` may take effect all the same.

        Raises:
            DatabaseUnavailable: as far as can be known, nothing of the call was written.
        """
        result: T = await self._submit(run, Kind.WRITE)
        return result

    async def read(self, run: Callable[[apsw.Connection], T]) -> T:
        """Call ``run`` on the thread outside any transaction and return the result.

        Raises:
            DatabaseUnavailable: the file cannot be read now.
        """
        result: T = await self._submit(run, Kind.READ)
        return result

    async def tidy(self, run: Callable[[apsw.Connection], T]) -> T:
        """Call ``run`` on the thread outside any transaction, and do not wait for the disk; return the result.

        For changes that a power cut may undo, such as deleting rows that have been done with: each statement commits
        by itself and holds the file only while running. Earlier writes of ``write`` are no less durable, and later
        writes of ``write`` make these changes durable too.

        Raises:
            DatabaseUnavailable: the call failed for now; some of its statements may have been done.
        """
        result: T = await self._submit(run, Kind.TIDY)
        return result

    @contextmanager
    def watched(self, on_change: Callable[[T | None], None], look: Callable[[apsw.Connection], T]) -> Iterator[None]:
        """While entered, call ``on_change`` on the loop soon after another connection committed.

        ``on_change`` gets the result of ``look``, called on the thread; None where the file cannot be read.
        """
        watcher = Watcher(on_change, look)
        self._inbox.watchers = (*self._inbox.watchers, watcher)
        if len(self._inbox.watchers) == 1:
            # Wakes the thread, which sleeps without limit. Nobody waits for that, so nobody would hear of a failure.
            unheard: asyncio.Future[None] = self._loop.create_future()
            unheard.cancel()
            self._inbox.jobs.put(Job(lambda _: None, unheard, Kind.READ))
        try:
            yield
        finally:
            watchers = list(self._inbox.watchers)
            watchers.remove(watcher)
            self._inbox.watchers = tuple(watchers)

    def _submit(self, run: Callable[[apsw.Connection], Any], kind: Kind) -> asyncio.Future[Any]:
        if self._closed:
            raise DatabaseUnavailable("the database is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._inbox.jobs.put(Job(run, future, kind))
        return future

    async def _close(self) -> None:
        self._closed = True
        self._inbox.jobs.put(None)
        cancelled: asyncio.CancelledError | None = None
        while not self._ended.done():
            try:
                await asyncio.shield(self._ended)
            except asyncio.CancelledError as error:
                cancelled = error  # the calls that were made must still reach the disk
        if cancelled is not None:
            raise cancelled

    # From here on: the thread.

    def _live(self, connect: Callable[[], apsw.Connection]) -> None:
        connection: apsw.Connection | None = None
        try:
            connection = connect()
            worker = Worker(self.path, connection, self._inbox)
        except BaseException as error:
            if connection is not None:
                connection.close()
            self._inbox.call(_fail, self._opened, unavailable(error) or error)
            self._inbox.call(_resolve, self._ended)
            return
        checkpoints = Checkpoints(lambda: connected(self.path), self._log_pages)
        connection.set_wal_hook(checkpoints.hear)
        self._inbox.call(_resolve, self._opened)
        try:
            worker.work()
        finally:
            try:
                checkpoints.end()
                connection.close()
            finally:
                self._closed = True
                self._inbox.refuse_rest()
                self._inbox.call(_resolve, self._ended)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
