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


class Commits(CommitTiming):
    """Collects groups with newly settled events; when writing fails, all groups stay noted."""

    def __init__(self, database: Database, on_failure: Callable[[], None]) -> None:
        super().__init__(
            self._write_rows, failed=on_failure, ended="the journal is closed", again_most_seconds=_AGAIN_MOST_SECONDS
        )
        self._database = database
        self._changed: set[Settling] = set()

    def settled(self, settling: Settling) -> None:
        """Note that an event of a group has settled."""
        self._changed.add(settling)
        self.note()

    def left(self, settling: Settling) -> None:
        """Write nothing of a group any more."""
        self._changed.discard(settling)

    async def _write_rows(self) -> None:
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
