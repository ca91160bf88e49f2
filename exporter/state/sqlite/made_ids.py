"""The port ``MadeIds`` in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import apsw

from exporter.database import Database
from exporter.state.made_ids import MadeIds
from exporter.state.sqlite.file import StateFile


class SqliteMadeIds(MadeIds):
    """``MadeIds`` in an open file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    async def settled(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        def settle(connection: apsw.Connection) -> Mapping[str, str]:
            connection.executemany("INSERT INTO made_ids VALUES (?, ?) ON CONFLICT DO NOTHING", list(wanted.items()))
            made = dict(connection.execute("SELECT name, id FROM made_ids"))
            return {name: made[name] for name in wanted}

        return await self._file.write(settle)

    async def known(self, names: Collection[str]) -> Mapping[str, str]:
        def read(connection: apsw.Connection) -> Mapping[str, str]:
            made = connection.execute("SELECT name, id FROM made_ids")
            return {name: text for name, text in made if name in names}

        return await self._file.read(read)
