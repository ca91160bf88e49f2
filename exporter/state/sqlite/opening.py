"""Opens the SQLite file of the state, for writing or only to look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from exporter.database import Database, kept_private
from exporter.state.dead_letters import DeadLetters
from exporter.state.port import Segment
from exporter.state.sqlite.letter_store import SqliteLetterStore
from exporter.state.sqlite.mapping_times import SqliteMappingTimes, times_of
from exporter.state.sqlite.schema import APPLICATION_ID, SCHEMA


@dataclass(frozen=True, slots=True)
class SqliteState:
    """``State`` in an open file."""

    identity: str
    letters: DeadLetters
    mapping_times: SqliteMappingTimes
    open_to_others: Sequence[str] = ()

    async def check(self) -> None:
        """See ``State.check``; opening the file has shown all that there is to see."""

    async def advice(self) -> Sequence[str]:
        """What people should know of the file, in sentences."""
        return self.open_to_others


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[SqliteState]:
    """Open the state's file. Raises as ``Database.open``."""
    async with Database.open(path, SCHEMA) as database:
        identity = await database.read(lambda connection: connection.execute("SELECT name FROM identity").get)
        letters = DeadLetters(SqliteLetterStore(database))
        yield SqliteState(identity, letters, SqliteMappingTimes(database), tuple(kept_private(path)))


def look_up_mapping_times(path: Path, destination: str) -> Mapping[Segment, tuple[int, int]]:
    """What was noted for ``destination``, without making or changing the file; empty where that cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size == 0:  # an empty file's log would be removed by looking
            return {}
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            if connection.pragma("application_id") != APPLICATION_ID:
                return {}
            return times_of(connection, destination)
        finally:
            connection.close()
    except (OSError, apsw.Error):
        return {}
