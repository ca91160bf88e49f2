"""The port ``MadeObjects`` in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import apsw

from exporter.database import Database
from exporter.state.made_objects import MadeObject, MadeObjects, Revision
from exporter.state.sqlite.file import StateFile

_REVISION: Final = "SELECT revision FROM made_objects_revision"
#: One statement, so that both are of one moment.
_ALL: Final = "SELECT revision, kind, id, document FROM made_objects_revision LEFT JOIN made_objects"


class SqliteMadeObjects(MadeObjects):
    """``MadeObjects`` in an open file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    async def revision(self) -> str:
        return str(await self._file.read(lambda connection: connection.execute(_REVISION).get))

    async def all(self) -> Revision:
        def read(connection: apsw.Connection) -> Revision:
            rows = list(connection.execute(_ALL))
            objects = [MadeObject(kind, name, document) for _, kind, name, document in rows if kind is not None]
            return Revision(rows[0][0], objects)

        return await self._file.read(read)

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]], revision: str) -> str | None:
        name = uuid4().hex

        def write(connection: apsw.Connection) -> str | None:
            connection.execute("UPDATE made_objects_revision SET revision = ? WHERE revision = ?", (name, revision))
            if not connection.changes():
                return None
            connection.executemany("INSERT OR REPLACE INTO made_objects VALUES (?, ?, ?)", list(put))
            connection.executemany("DELETE FROM made_objects WHERE kind = ? AND id = ?", list(deleted))
            return name

        return await self._file.write(write)
