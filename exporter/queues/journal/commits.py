"""Makes settled positions durable: a single transaction for all groups of the process, soon after the first settles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from exporter.database import Database, DatabaseUnavailable
from exporter.queues.commit_timing import CommitTiming
from exporter.queues.journal import tables
from exporter.queues.port import QueueUnavailable

_AGAIN_MOST_SECONDS = 5.0


class Settling(Protocol):
    """A group that the process reads, and whose events settle."""

    def standing(self) -> tables.GroupRow:
        """The group's row, as of now."""
        ...


class Commits:
    """Collects groups with newly settled events; when writing fails, all groups stay noted."""

    def __init__(self, database: Database, on_failure: Callable[[], None]) -> None:
        self._database = database
        self._changed: set[Settling] = set()
        self._timing = CommitTiming(
            self._write, failed=on_failure, ended="the journal is closed", again_most_seconds=_AGAIN_MOST_SECONDS
        )

    @property
    def failure(self) -> str | None:
        """Why the last attempt failed; None after a success."""
        return self._timing.failure

    def note(self, settling: Settling) -> None:
        """Note that an event of a group has settled."""
        self._changed.add(settling)
        self._timing.note()

    def forget(self, settling: Settling) -> None:
        """Write nothing of a group any more."""
        self._changed.discard(settling)

    async def commit(self) -> None:
        """See ``CommitTiming.commit``."""
        await self._timing.commit()

    async def run(self) -> None:
        """Write in time, until cancelled."""
        await self._timing.run()

    async def _write(self) -> None:
        changed, self._changed = self._changed, set()
        try:
            rows = [settling.standing() for settling in changed]
            if rows:
                await self._database.write(lambda connection: tables.commit(connection, rows))
        except BaseException as error:
            self._changed |= changed
            if isinstance(error, DatabaseUnavailable):
                raise QueueUnavailable(error.reason) from error
            raise
