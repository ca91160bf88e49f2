"""When each segment was mapped to a destination, in SQLite: noted when first seen (contract.md#configuration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw

from exporter.database import Database, DatabaseUnavailable
from exporter.state.port import Segment, StateUnavailable


class SqliteMappingTimes:
    """``MappingTimes`` in an open file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first_seen(
        self, destination: str, segments: Sequence[Segment], now_ms: int
    ) -> Mapping[Segment, tuple[int, int]]:
        """See ``MappingTimes.first_seen``."""

        def note(connection: apsw.Connection) -> Mapping[Segment, tuple[int, int]]:
            connection.executemany(
                "INSERT INTO mapping_times VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(destination, namespace, segment, now_ms, now_ms) for namespace, segment in segments],
            )
            return times_of(connection, destination)

        known = await self.known(destination)
        if any(segment not in known for segment in segments):
            try:
                known = await self._database.write(note)
            except DatabaseUnavailable as error:
                raise StateUnavailable(error.reason) from error
        return {segment: known[segment] for segment in segments}

    async def known(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        """See ``MappingTimes.known``."""
        try:
            return await self._database.read(lambda connection: times_of(connection, destination))
        except DatabaseUnavailable as error:
            raise StateUnavailable(error.reason) from error


def times_of(connection: apsw.Connection, destination: str) -> Mapping[Segment, tuple[int, int]]:
    """All that was noted for one destination."""
    rows = connection.execute(
        "SELECT namespace, segment, created_ms, updated_ms FROM mapping_times WHERE destination = ?", (destination,)
    )
    return {(namespace, segment): (created, updated) for namespace, segment, created, updated in rows}
