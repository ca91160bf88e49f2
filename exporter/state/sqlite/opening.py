"""Opens the SQLite file of the state, for writing or only to look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw

from exporter.database import Database, kept_private
from exporter.state.bad_records import BadRecords
from exporter.state.dead_letters import DeadLetters
from exporter.state.interventions import Intervention
from exporter.state.port import Segment
from exporter.state.sqlite.bad_records import SqliteBadRecordStore
from exporter.state.sqlite.interventions import SqliteInterventions, interventions_in
from exporter.state.sqlite.letter_store import SqliteLetterStore
from exporter.state.sqlite.made_ids import SqliteMadeIds
from exporter.state.sqlite.made_objects import SqliteMadeObjects
from exporter.state.sqlite.mapping_times import SqliteMappingTimes, times_of
from exporter.state.sqlite.schema import APPLICATION_ID, SCHEMA

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SqliteState:
    """``State`` in an open file."""

    identity: str
    letters: DeadLetters
    mapping_times: SqliteMappingTimes
    interventions: SqliteInterventions
    bad_records: BadRecords
    made_ids: SqliteMadeIds
    made_objects: SqliteMadeObjects
    open_to_others: Sequence[str] = ()

    async def check(self) -> None:
        """Opening the file has shown all that there is to see."""

    async def advice(self) -> Sequence[str]:
        """What people should know of the file, in sentences."""
        return self.open_to_others


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[SqliteState]:
    """Open the state's file. Raises as ``Database.open``."""
    async with Database.open(path, SCHEMA) as database:
        identity = await database.read(lambda connection: connection.execute("SELECT name FROM identity").get)
        letters = DeadLetters(SqliteLetterStore(database))
        mapping_times, interventions = SqliteMappingTimes(database), SqliteInterventions(database)
        bad_records = BadRecords(SqliteBadRecordStore(database))
        made = SqliteMadeIds(database), SqliteMadeObjects(database)
        private = tuple(kept_private(path))
        yield SqliteState(identity, letters, mapping_times, interventions, bad_records, *made, private)


def look_up_mapping_times(path: Path, destination: str) -> Mapping[Segment, tuple[int, int]]:
    """What was noted for ``destination``, without making or changing the file; empty where that cannot be read."""
    return _looked_up(path, lambda connection: times_of(connection, destination)) or {}


def look_up_interventions(path: Path) -> Mapping[str, Intervention]:
    """What operators have asked of groups, likewise; a file of an older exporter holds nothing of that."""
    return _looked_up(path, interventions_in) or {}


def _looked_up(path: Path, look: Callable[[apsw.Connection], T]) -> T | None:
    try:
        if not path.is_file() or path.stat().st_size == 0:  # an empty file's log would be removed by looking
            return None
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return look(connection) if connection.pragma("application_id") == APPLICATION_ID else None
        finally:
            connection.close()
    except (OSError, apsw.Error):
        return None
