"""The port ``MadeObjects`` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from exporter.database import Database
from exporter.state.made_objects import MadeObject, MadeObjects
from exporter.state.sqlite.file import StateFile


class SqliteMadeObjects(MadeObjects):
    """``MadeObjects`` in an open file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    async def all(self) -> Sequence[MadeObject]:
        def read(connection: apsw.Connection) -> Sequence[MadeObject]:
            rows = connection.execute("SELECT kind, id, document FROM made_objects")
            return [MadeObject(kind, name, document) for kind, name, document in rows]

        return await self._file.read(read)

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]]) -> None:
        def write(connection: apsw.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO made_objects VALUES (?, ?, ?)", list(put))
            connection.executemany("DELETE FROM made_objects WHERE kind = ? AND id = ?", list(deleted))

        await self._file.write(write)
