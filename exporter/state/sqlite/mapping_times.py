"""When each segment was mapped to a destination, in SQLite: noted when first seen (contract.md#configuration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw

from exporter.database import Database
from exporter.state.port import MappingTimes, Segment
from exporter.state.sqlite.file import StateFile


class SqliteMappingTimes(MappingTimes):
    """``MappingTimes`` in an open file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    async def first_seen(
        self, destination: str, segments: Sequence[Segment], now_ms: int
    ) -> Mapping[Segment, tuple[int, int]]:
        def note(connection: apsw.Connection) -> Mapping[Segment, tuple[int, int]]:
            connection.executemany(
                "INSERT INTO mapping_times VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(destination, namespace, segment, now_ms, now_ms) for namespace, segment in segments],
            )
            return times_of(connection, destination)

        known = await self.known(destination)
        if any(segment not in known for segment in segments):
            known = await self._file.write(note)
        return {segment: known[segment] for segment in segments}

    async def known(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        return await self._file.read(lambda connection: times_of(connection, destination))


def times_of(connection: apsw.Connection, destination: str) -> Mapping[Segment, tuple[int, int]]:
    """All that was noted for one destination."""
    rows = connection.execute(
        "SELECT namespace, segment, created_ms, updated_ms FROM mapping_times WHERE destination = ?", (destination,)
    )
    return {(namespace, segment): (created, updated) for namespace, segment, created, updated in rows}
