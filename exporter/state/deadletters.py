"""The dead letters of all destinations in SQLite: what the command asks, and what all dataflows share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import apsw

from exporter.database import Database, DatabaseUnavailable
from exporter.state import rows
from exporter.state.letter import Filter, Letter, Summary
from exporter.state.letters_of import SqliteLettersOf
from exporter.state.port import Asked, Progress, StateUnavailable

T = TypeVar("T")

#: Letters that one write of the command touches, so that a daemon beside it hardly waits.
CHUNK: Final = 200
#: Pages of the file that one write gives back, for the same reason.
SHRINK_PAGES: Final = 2000
#: How old an answer from memory may be: what the command changed shows after that.
POLL_SECONDS: Final = 0.2


class SqliteDeadLetters:
    """``DeadLetters`` in an open file; other processes may have it open too."""

    def __init__(self, database: Database, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._polled_at = float("-inf")
        self._totals: dict[str, rows.Totals] = {}
        self._asked: frozenset[str] = frozenset()

    def of(self, destination: str, group: str, max_bytes: int) -> SqliteLettersOf:
        """One dataflow's view; its letters take at most ``max_bytes``."""
        return SqliteLettersOf(self, self._database, destination, group, max_bytes)

    async def page(self, which: Filter, *, after: int, limit: int) -> Sequence[Summary]:
        """See ``DeadLetters.page``."""
        return await self.read(lambda connection: rows.page(connection, which, after, limit))

    async def letter(self, letter_id: int) -> Letter | None:
        """See ``DeadLetters.letter``."""
        return await self.read(lambda connection: rows.letter(connection, letter_id))

    async def count(self, which: Filter) -> int:
        """See ``DeadLetters.count``."""
        return await self.read(lambda connection: rows.count(connection, which))

    async def ask(self, which: Filter, *, superseded: bool) -> Asked:
        """See ``DeadLetters.ask``."""
        current = which if superseded else replace(which, superseded=False)
        asked: list[int] = []

        def chunk(connection: apsw.Connection) -> Sequence[int]:
            found = rows.ids(connection, current, asked[-1] if asked else 0, CHUNK)
            rows.ask(connection, found, superseded=superseded)
            return found

        left_out = 0 if superseded else await self.count(replace(which, superseded=True))
        while found := await self._write(chunk):
            asked += found
        return Asked(asked, left_out)

    async def progress(self, ids: Sequence[int]) -> Progress:
        """See ``DeadLetters.progress``."""
        replays = await self.read(lambda connection: rows.replays(connection, ids))
        waiting = frozenset(letter_id for letter_id, replay in replays.items() if replay != "none")
        return Progress(waiting, frozenset(replays) - waiting)

    async def purge(self, which: Filter) -> int:
        """See ``DeadLetters.purge``."""

        def chunk(connection: apsw.Connection) -> int:
            return rows.delete(connection, rows.ids(connection, which, 0, CHUNK))

        purged = 0
        while deleted := await self._write(chunk):
            purged += deleted
        while await self._write(lambda connection: rows.shrink(connection, SHRINK_PAGES)):
            pass
        return purged

    async def asked_of(self, destination: str) -> bool:
        """Whether a replay waits for ``destination``, as of at most ``POLL_SECONDS`` ago: one look serves them all.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        now = asyncio.get_running_loop().time()
        if now - self._polled_at >= self._poll_seconds:
            self._polled_at = now
            kept, self._asked = await self.read(rows.overview)
            self._totals = dict(kept)
        return destination in self._asked

    def totals_of(self, destination: str) -> rows.Totals:
        """Letters and bytes of ``destination``, as far as this process knows."""
        return self._totals.get(destination, (0, 0))

    def learn(self, destination: str, totals: rows.Totals) -> None:
        """Note what a call has just seen."""
        self._totals[destination] = totals

    async def read(self, run: Callable[[apsw.Connection], T]) -> T:
        """Read with the store's failures in our words.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        try:
            return await self._database.read(run)
        except DatabaseUnavailable as error:
            raise StateUnavailable(error.reason) from error

    async def _write(self, run: Callable[[apsw.Connection], T]) -> T:
        try:
            return await self._database.write(run)
        except DatabaseUnavailable as error:
            raise StateUnavailable(error.reason) from error
