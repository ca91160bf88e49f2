"""The port ``LetterStore`` in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import apsw

from exporter.database import Database
from exporter.state.letter import Answered, Filter, Letter, StorableLetter, Summary
from exporter.state.port import UNSENT_KEPT, Delivery, LetterStore, Overview, Survey, TooLarge, Totals, Written
from exporter.state.sqlite import statements
from exporter.state.sqlite.file import StateFile
from exporter.state.sqlite.shrinking import shrink
from exporter.state.sqlite.statements import bound, criteria, listed, read_as

#: The most letters that a write of the command touches, so that a running daemon hardly waits.
CHUNK: Final = 200
#: So many ids are looked at in a step back through all letters.
STEP: Final = 10_000


class SqliteLetterStore(LetterStore):
    """``LetterStore`` in an open file; several processes of one machine may share the file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    # -- for one dataflow

    async def survey(self, destination: str, after: int) -> Survey:
        def read(connection: apsw.Connection) -> Survey:
            newest = _newest(connection)
            found = connection.execute(statements.PROFILES, (destination, after))
            return Survey([profile_id for (profile_id,) in found], newest)

        return await self._file.read(read)

    async def begin(self, group: str, lane: str, reader: str) -> int | None:  # noqa: ARG002
        """The reader is not noted: all readers of a lane are on the same machine."""
        statement = "SELECT max(position) FROM letters WHERE group_name = ? AND lane = ?"
        [(highest,)] = await self._rows(statement, (group, lane))
        return None if highest is None else int(highest)

    async def leave(self, group: str, lane: str, reader: str) -> None:
        """Nothing was noted."""

    async def kept(self, group: str, lane: str, positions: Collection[int]) -> frozenset[int]:
        found = await self._rows(statements.KEPT, (group, lane, listed(positions)))
        return frozenset(position for (position,) in found)

    async def put(
        self,
        destination: str,
        group: str,
        letters: Sequence[StorableLetter],
        supersede: Sequence[Delivery],
        max_bytes: int,
        readers: Mapping[str, str],  # noqa: ARG002 - see ``begin``
        *,
        only_new: bool = False,
    ) -> Written | TooLarge:
        rows = [bound(letter) for letter in letters]
        statement = statements.PUT_NEW if only_new else statements.PUT

        def write(connection: apsw.Connection) -> Written | TooLarge:
            size = _totals(connection, destination).bytes
            growth = _growth(connection, rows)
            alone = not size and len(letters) == 1
            if growth > 0 and size + growth > max_bytes and not alone:
                return TooLarge(growth)
            before = _newest(connection)
            for row in rows:
                connection.execute(statement, row)
            none_left = []
            for profile_id, lane, position in supersede:
                connection.execute(statements.SUPERSEDE, (destination, profile_id, group, lane, position))
                if connection.execute(statements.CURRENT, (destination, profile_id)).get is None:
                    none_left.append(profile_id)
            return Written(_totals(connection, destination), none_left, before, _newest(connection))

        return await self._file.write(write)

    async def asked_lanes(self, destination: str) -> Sequence[str]:
        statement = "SELECT DISTINCT lane FROM letters WHERE destination = ? AND replay <> 'none' ORDER BY lane"
        return [lane for (lane,) in await self._rows(statement, (destination,))]

    async def requested(
        self, destination: str, lanes: Sequence[str], but: Collection[int], limit: int
    ) -> Sequence[Letter]:
        found = await self._rows(statements.REQUESTED, (destination, listed(lanes), listed(but), limit))
        return [read_as(Letter, row) for row in found]

    async def replays(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        return dict(await self._rows(statements.REPLAYS, {"ids": listed(letter_ids)}))

    async def replayed(self, destination: str, letter_id: int, *, excluded: bool) -> Totals:
        def write(connection: apsw.Connection) -> Totals:
            _delete(connection, [letter_id], "excluded" if excluded else None)
            return _totals(connection, destination)

        return await self._file.write(write)

    async def failed(self, destination: str, letter_id: int, letter: StorableLetter) -> Totals:
        return await self._change(destination, statements.FAILED, {**bound(letter), "id": letter_id})

    async def probe(self, destination: str, filler_bytes: int) -> Totals:
        statement = "INSERT OR REPLACE INTO probe VALUES (0, zeroblob(:bytes))"
        return await self._change(destination, statement, {"bytes": filler_bytes})

    # -- for all

    async def overview(self) -> Overview:
        def read(connection: apsw.Connection) -> Overview:
            rows = connection.execute("SELECT destination, letters, bytes FROM totals")
            kept = {destination: Totals(letters, size) for destination, letters, size in rows}
            asked = connection.execute("SELECT DISTINCT destination FROM letters WHERE replay <> 'none'")
            return Overview(kept, frozenset(destination for (destination,) in asked), _newest(connection))

        return await self._file.read(read)

    async def page(self, which: Filter, after: int, limit: int) -> Sequence[Summary]:
        found = await self._rows(statements.PAGE, {**criteria(which), "after": after, "limit": limit})
        return [read_as(Summary, row) for row in found]

    async def latest(self, destination: str | None, limit: int) -> Sequence[Answered]:
        """Goes back in steps, between which the file is free for others, until all that are there are found."""

        def there(connection: apsw.Connection) -> tuple[int, int]:
            statement = "SELECT coalesce(sum(letters), 0) FROM totals WHERE ?1 IS NULL OR destination = ?1"
            return connection.execute(statement, (destination,)).get, _newest(connection)

        kept, upto = await self._file.read(there)
        found: list[Answered] = []
        while upto > 0 and len(found) < min(kept, limit):
            which = {"destination": destination, "upto": upto, "above": upto - STEP, "limit": limit - len(found)}
            found += [read_as(Answered, row) for row in await self._rows(statements.LATEST, which)]
            upto -= STEP
        return found

    async def letter(self, letter_id: int) -> Letter | None:
        found = await self._rows(statements.LETTER, (letter_id,))
        return read_as(Letter, found[0]) if found else None

    async def answers(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        return dict(await self._rows(statements.ANSWERS, (listed(letter_ids),)))

    async def count(self, which: Filter) -> int:
        [(count,)] = await self._rows(statements.COUNT, criteria(which))
        return int(count)

    async def ask(self, which: Filter, *, superseded: bool) -> Sequence[int]:
        asked: list[int] = []

        def chunk(connection: apsw.Connection) -> Sequence[int]:
            found = _ids(connection, which, asked[-1] if asked else 0)
            connection.execute(statements.ASK, (superseded, listed(found)))
            return found

        while found := await self._file.write(chunk):
            asked += found
        return asked

    async def purge(self, which: Filter) -> int:
        """Gives free pages back to the file system too."""

        def chunk(connection: apsw.Connection) -> int:
            return _delete(connection, _ids(connection, which), "purged")

        purged = 0
        while deleted := await self._file.write(chunk):
            purged += deleted
        await shrink(self._file)
        return purged

    async def _rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return await self._file.read(lambda connection: connection.execute(statement, values).fetchall())

    async def _change(self, destination: str, statement: str, values: Mapping[str, Any]) -> Totals:
        def write(connection: apsw.Connection) -> Totals:
            connection.execute(statement, values)
            return _totals(connection, destination)

        return await self._file.write(write)


def _totals(connection: apsw.Connection, destination: str) -> Totals:
    row = connection.execute("SELECT letters, bytes FROM totals WHERE destination = ?", (destination,)).get
    return Totals(*row) if row else Totals()


def _newest(connection: apsw.Connection) -> int:
    """The highest id ever given, 0 before the first."""
    return connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'letters'").get or 0


def _growth(connection: apsw.Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """By how many bytes the store would grow; replaced letters are taken off."""
    last = {(row["group"], row["lane"], row["position"]): row["bytes"] for row in rows}
    old = "SELECT bytes FROM letters WHERE group_name = ? AND lane = ? AND position = ?"
    return sum(size - (connection.execute(old, key).get or 0) for key, size in last.items())


def _ids(connection: apsw.Connection, which: Filter, after: int = 0) -> Sequence[int]:
    """The next ``CHUNK`` ids in ascending order."""
    rows = connection.execute(statements.IDS, {**criteria(which), "after": after, "limit": CHUNK})
    return [letter_id for (letter_id,) in rows]


def _delete(connection: apsw.Connection, letter_ids: Iterable[int], unsent: str | None) -> int:
    """Delete letters, and remember for a while why they were not sent, if so; return how many were there."""
    these = listed(letter_ids)
    if unsent is not None:
        connection.execute(statements.REMEMBER_UNSENT, {"why": unsent, "ids": these})
        connection.execute(statements.FORGET_UNSENT, (UNSENT_KEPT,))
    connection.execute(statements.DELETE, (these,))
    return connection.changes()
