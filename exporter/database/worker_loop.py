"""The work of the database's thread: to run calls in groups, to commit, and to look for other processes' commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import apsw

from exporter.database.failures import DatabaseUnavailable, unavailable
from exporter.database.same_file import SameFile

_GROUP_JOBS = 1000
_POLL_SECONDS = 0.002
_IDLE_POLL_SECONDS = 0.02
_IDLE_AFTER_SECONDS = 1.0
#: The wait after a failure of no call in particular, such as no memory.
_AGAIN_SECONDS = 0.1


class Kind(Enum):
    """How a call is run: see the methods of ``Database`` with these names."""

    READ = "read"
    WRITE = "write"
    TIDY = "tidy"


@dataclass(slots=True, eq=False)
class Job:
    """A call that waits for the thread, and later the call's ``result`` or ``error``."""

    run: Callable[[apsw.Connection], Any]
    future: asyncio.Future[Any]
    kind: Kind
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class Watcher:
    """A callback for commits of other connections, and the ``look`` that gives the callback its argument."""

    on_change: Callable[[Any], None]
    look: Callable[[apsw.Connection], Any]


class Inbox:
    """The jobs and watchers that event loop and thread share. A None ends the thread after the jobs before."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.watchers: tuple[Watcher, ...] = ()  # replaced, never changed
        self._loop = loop

    def refuse_rest(self) -> None:
        """Fail the jobs that are left; called from the ending thread."""
        with suppress(Empty):
            while True:
                job = self.jobs.get_nowait()
                if job is not None:
                    job.error = DatabaseUnavailable("the database is closed")
                    self.call(_deliver, (job,))

    def call(self, function: Callable[..., None], *args: object) -> None:
        """Call ``function`` on the loop, unless closed; called from the thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)


class Worker:
    """The thread's work between opening and closing."""

    def __init__(self, path: Path, connection: apsw.Connection, inbox: Inbox) -> None:
        self._connection = connection
        self._inbox = inbox
        self._poll_due = 0.0
        self._changed_at = 0.0
        self._version = self._data_version()
        self._file = SameFile(path)
        self._relaxed = False  # commits do not wait for the disk
        self._ending = False

    def work(self) -> None:
        """Serve until the inbox ends the thread.

        Any other failure fails the waiting jobs, not the thread, whose end would go unheard.
        """
        while not self._ending:
            waiting: list[Job] = []
            try:
                waiting += self._next_group()
                self._serve(waiting)
                if self._inbox.watchers and time.monotonic() >= self._poll_due:
                    self._poll()
            except Exception as error:
                self._fail_all(waiting, error)
                self._finish(waiting)
                time.sleep(_AGAIN_SECONDS)

    def _serve(self, waiting: list[Job]) -> None:
        """Do the jobs of ``waiting``; a job that is answered is taken out at once."""
        for kind, do in ((Kind.READ, self._read), (Kind.WRITE, self._commit), (Kind.TIDY, self._tidy)):
            of_this_kind = [job for job in waiting if job.kind is kind]
            if of_this_kind:
                do(of_this_kind)
                self._finish(of_this_kind)
                waiting[:] = [job for job in waiting if job.kind is not kind]

    def _next_group(self) -> Sequence[Job]:
        """All waiting jobs, after waiting for the first; empty when a look for other processes is due."""
        queue = self._inbox.jobs
        try:
            if self._inbox.watchers:
                job = queue.get(timeout=max(0.0, self._poll_due - time.monotonic()))
            else:
                job = queue.get()
        except Empty:
            return ()
        group: list[Job] = []
        while job is not None:
            group.append(job)
            if len(group) == _GROUP_JOBS:
                return group
            try:
                job = queue.get_nowait()
            except Empty:
                return group
        self._ending = True
        return group

    def _read(self, jobs: Sequence[Job]) -> None:
        try:
            self._file.refuse_another()
        except DatabaseUnavailable as error:
            self._fail_all(jobs, error)
            return
        for job in jobs:
            self._run(job)

    def _tidy(self, jobs: Sequence[Job]) -> None:
        """Run ``jobs`` outside any transaction; no statement waits for the disk."""
        try:
            self._file.refuse_another()
            self._relaxed = True
            self._connection.pragma("synchronous", 1)  # NORMAL: in order, but not yet on the disk
            try:
                for job in jobs:
                    self._run(job)
            finally:
                self._tighten()
        except BaseException as error:
            self._fail_all(jobs, error)
            self._roll_back()

    def _commit(self, jobs: Sequence[Job]) -> None:
        """Run ``jobs`` in one transaction; where that fails, none was done."""
        try:
            self._file.refuse_another()
            if self._relaxed:
                self._tighten()
            self._connection.execute("BEGIN IMMEDIATE")
            # A job that is alone needs no savepoint, for which SQLite would copy each page before it is written to.
            alone = len(jobs) == 1
            for job in jobs:
                self._run_in_transaction(job, savepoint=not alone)
            self._connection.execute("ROLLBACK" if alone and jobs[0].error is not None else "COMMIT")
        except BaseException as error:  # every caller gets the error, of any kind
            self._fail_all(jobs, error)
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def _tighten(self) -> None:
        self._connection.pragma("synchronous", 2)  # FULL
        self._relaxed = False

    def _fail_all(self, jobs: Sequence[Job], error: BaseException) -> None:
        failure = unavailable(error)
        for job in jobs:
            if job.error is None:
                # Each job has its own failure, since every caller that catches an error adds to the traceback.
                job.error = error if failure is None else type(failure)(failure.reason)

    def _run_in_transaction(self, job: Job, *, savepoint: bool) -> None:
        if savepoint:
            self._connection.execute("SAVEPOINT job")
        self._run(job)
        if not self._connection.in_transaction:
            # SQLite itself gave up the whole transaction: the disk is full, for example.
            raise DatabaseUnavailable(str(job.error or "the transaction was lost"))
        if savepoint:
            if job.error is not None:
                self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")

    def _run(self, job: Job) -> None:
        try:
            job.result = job.run(self._connection)
        except BaseException as error:
            job.error = unavailable(error) or error

    def _finish(self, jobs: Sequence[Job]) -> None:
        self._inbox.call(_deliver, jobs)

    def _poll(self) -> None:
        now = time.monotonic()
        version = self._data_version()
        if version != self._version:
            self._version = version
            self._changed_at = now
            for watcher in self._inbox.watchers:
                self._inbox.call(watcher.on_change, self._seen_by(watcher))
        quiet = now - self._changed_at > _IDLE_AFTER_SECONDS
        self._poll_due = now + (_IDLE_POLL_SECONDS if quiet else _POLL_SECONDS)

    def _seen_by(self, watcher: Watcher) -> Any:
        try:
            return watcher.look(self._connection)
        except Exception:  # as where the file cannot be read; the next call will tell
            return None

    def _data_version(self) -> object:
        """Changes when another connection commits, or when the file becomes unreadable, so that readers look again."""
        try:
            return self._connection.pragma("data_version")
        except apsw.Error as error:
            return str(error)


def _deliver(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue  # the caller was cancelled
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
