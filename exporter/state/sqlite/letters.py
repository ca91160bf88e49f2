"""The port ``LetterStore`` in SQLite. The statements are in ``rows``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar

import apsw

from exporter.database import Database, DatabaseUnavailable
from exporter.state.letter import Filter, Letter, Summary
from exporter.state.port import StateUnavailable
from exporter.state.sqlite import rows
from exporter.state.store import Delivery, Overview, Survey, TooLarge, Totals, Written
from exporter.state.stored_letter import Fields

T = TypeVar("T")

#: The most letters that a write of the command touches, so that a running daemon hardly waits.
CHUNK: Final = 200
#: The most pages of the file that a write gives back, for the same reason.
SHRINK_PAGES: Final = 2000


class SqliteLetters:
    """See ``LetterStore``; several processes of one machine may share the file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- for one dataflow

    async def survey(self, destination: str, after: int) -> Survey:
        """See ``LetterStore.survey``."""
        return await self.read(lambda connection: rows.survey(connection, destination, after))

    async def begin(self, group: str, lane: str, reader: str) -> int | None:  # noqa: ARG002
        """See ``LetterStore.begin``. The reader is not noted: all readers of a lane are on the same machine."""
        return await self.read(lambda connection: rows.highest(connection, group, lane))

    async def leave(self, group: str, lane: str, reader: str) -> None:
        """See ``LetterStore.leave``; nothing was noted."""

    async def kept(self, group: str, lane: str, positions: Collection[int]) -> frozenset[int]:
        """See ``LetterStore.kept``."""
        return await self.read(lambda connection: rows.kept(connection, group, lane, positions))

    async def put(
        self,
        destination: str,
        group: str,
        letters: Sequence[Fields],
        supersede: Sequence[Delivery],
        max_bytes: int,
        readers: Mapping[str, str],  # noqa: ARG002 - see ``begin``
    ) -> Written | TooLarge:
        """See ``LetterStore.put``."""

        def write(connection: apsw.Connection) -> Written | TooLarge:
            size = rows.totals(connection, destination).bytes
            more = rows.growth(connection, letters)
            # A letter that is larger than all the room may have the room alone: otherwise the letter would never fit.
            alone = not size and len(letters) == 1
            if more > 0 and size + more > max_bytes and not alone:
                return TooLarge(more)
            before = rows.newest(connection)
            rows.put(connection, letters)
            none_left = rows.supersede(connection, destination, group, supersede)
            return Written(rows.totals(connection, destination), none_left, before, rows.newest(connection))

        return await self._write(write)

    async def asked_lanes(self, destination: str) -> Sequence[str]:
        """See ``LetterStore.asked_lanes``."""
        return await self.read(lambda connection: rows.asked_lanes(connection, destination))

    async def requested(
        self, destination: str, lanes: Sequence[str], but: Collection[int], limit: int
    ) -> Sequence[Letter]:
        """See ``LetterStore.requested``."""
        return await self.read(lambda connection: rows.requested(connection, destination, lanes, but, limit))

    async def replays(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        """See ``LetterStore.replays``."""
        return await self.read(lambda connection: rows.replays(connection, letter_ids))

    async def replayed(self, destination: str, letter_id: int, *, excluded: bool) -> Totals:
        """See ``LetterStore.replayed``."""

        def write(connection: apsw.Connection) -> Totals:
            if excluded:
                rows.delete_unsent(connection, [letter_id], "excluded")
            else:
                rows.delete(connection, [letter_id])
            return rows.totals(connection, destination)

        return await self._write(write)

    async def failed(self, destination: str, letter_id: int, letter: Fields) -> Totals:
        """See ``LetterStore.failed``."""

        def write(connection: apsw.Connection) -> Totals:
            rows.failed(connection, letter_id, letter)
            return rows.totals(connection, destination)

        return await self._write(write)

    async def probe(self, destination: str, filler_bytes: int) -> Totals:
        """See ``LetterStore.probe``."""

        def write(connection: apsw.Connection) -> Totals:
            connection.execute("INSERT OR REPLACE INTO probe VALUES (0, zeroblob(?))", (filler_bytes,))
            return rows.totals(connection, destination)

        return await self._write(write)

    # -- for all

    async def overview(self) -> Overview:
        """See ``LetterStore.overview``."""
        return await self.read(rows.overview)

    async def page(self, which: Filter, after: int, limit: int) -> Sequence[Summary]:
        """See ``LetterStore.page``."""
        return await self.read(lambda connection: rows.page(connection, which, after, limit))

    async def letter(self, letter_id: int) -> Letter | None:
        """See ``LetterStore.letter``."""
        return await self.read(lambda connection: rows.letter(connection, letter_id))

    async def count(self, which: Filter) -> int:
        """See ``LetterStore.count``."""
        return await self.read(lambda connection: rows.count(connection, which))

    async def ask(self, which: Filter, *, superseded: bool) -> Sequence[int]:
        """See ``LetterStore.ask``."""
        asked: list[int] = []

        def chunk(connection: apsw.Connection) -> Sequence[int]:
            found = rows.ids(connection, which, asked[-1] if asked else 0, CHUNK)
            rows.ask(connection, found, superseded=superseded)
            return found

        while found := await self._write(chunk):
            asked += found
        return asked

    async def purge(self, which: Filter) -> int:
        """See ``LetterStore.purge``. Then gives free pages back to the file system."""

        def chunk(connection: apsw.Connection) -> int:
            return rows.purge(connection, rows.ids(connection, which, 0, CHUNK))

        purged = 0
        while deleted := await self._write(chunk):
            purged += deleted
        while await self._write(lambda connection: rows.shrink(connection, SHRINK_PAGES)):
            pass
        return purged

    async def read(self, run: Callable[[apsw.Connection], T]) -> T:
        """Read the file with ``run``.

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
