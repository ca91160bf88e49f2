"""Making settled positions durable: one transaction for all groups of the process, soon after the first settles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_exponential

from exporter.database import Database, DatabaseUnavailable
from exporter.queues.journal import tables
from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable

_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 5.0


class Settling(Protocol):
    """Something that settles: a group that this process reads."""

    def standing(self) -> tables.Standing:
        """Where the group stands now."""
        ...


class Commits:
    """Collects what has settled and writes it every 25 ms or 500 events.

    When writing fails, all stays noted and is tried again after growing waits; nothing is forgotten.
    """

    def __init__(self, database: Database, on_failure: Callable[[], None]) -> None:
        self._database = database
        self._on_failure = on_failure
        self._ended = False
        self._changed: set[Settling] = set()
        self._count = 0
        self._some = asyncio.Event()
        self._now = asyncio.Event()
        self._callers: list[asyncio.Future[None]] = []
        self.failure: DatabaseUnavailable | None = None

    def note(self, settling: Settling) -> None:
        """One more event of this group has settled."""
        self._changed.add(settling)
        self._count += 1
        if self._count == 1:
            self._some.set()
        elif self._count == COMMIT_MESSAGES:
            self._now.set()

    def forget(self, settling: Settling) -> None:
        """Write nothing of this group any more."""
        self._changed.discard(settling)

    async def commit(self) -> None:
        """Return when all that was noted so far is durable.

        Raises:
            QueueUnavailable: an attempt to write it has failed; it stays noted.
        """
        if self._ended:
            raise QueueUnavailable("the journal is closed")
        caller: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._callers.append(caller)
        self._some.set()
        self._now.set()
        try:
            await caller
        except DatabaseUnavailable as error:
            raise QueueUnavailable(error.reason) from error

    async def run(self) -> None:
        """Write in time, until cancelled."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(DatabaseUnavailable),
            stop=stop_never,
            wait=wait_exponential(multiplier=_RETRY_FIRST_SECONDS, max=_RETRY_MOST_SECONDS),
            sleep=self._until_asked,
        )
        try:
            while True:
                await self._some.wait()
                await self._until_asked(COMMIT_SECONDS)
                await attempts(self._write)
        finally:
            self._ended = True
            _answer(self._callers, DatabaseUnavailable("the journal is closed"))

    async def _until_asked(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._now.wait()

    async def _write(self) -> None:
        callers, self._callers = self._callers, []
        changed, self._changed = self._changed, set()
        self._count = 0
        self._some.clear()
        self._now.clear()
        rows = [settling.standing() for settling in changed]
        try:
            if rows:
                await self._database.write(lambda connection: tables.commit(connection, rows))
        except DatabaseUnavailable as error:
            self.failure = error
            self._changed |= changed
            _answer(callers, error)
            self._on_failure()
            raise
        except asyncio.CancelledError:
            _answer(callers, DatabaseUnavailable("the journal is closed"))
            raise
        self.failure = None
        _answer(callers, None)


def _answer(callers: Sequence[asyncio.Future[None]], error: DatabaseUnavailable | None) -> None:
    for caller in callers:
        if caller.done():
            continue
        if error is None:
            caller.set_result(None)
        else:
            caller.set_exception(DatabaseUnavailable(error.reason))
