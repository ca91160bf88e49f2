"""The port ``Interventions`` in SQLite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import apsw

from exporter.database import Database
from exporter.state.interventions import Intervention, Interventions, OperatorPause
from exporter.state.sqlite.file import StateFile

_ALL: Final = "SELECT group_name, paused_at, paused_by, paused_why, probes FROM interventions"
_PAUSE: Final = """
    INSERT INTO interventions (group_name, paused_at, paused_by, paused_why) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
      paused_at = excluded.paused_at, paused_by = excluded.paused_by, paused_why = excluded.paused_why
"""
_RESUME: Final = "UPDATE interventions SET paused_at = NULL, paused_by = '', paused_why = '' WHERE group_name = ?"
_PROBE: Final = """
    INSERT INTO interventions (group_name, probes) VALUES (?, 1) ON CONFLICT DO UPDATE SET probes = probes + 1
"""
_FORGET: Final = "DELETE FROM interventions WHERE group_name = ?"


class SqliteInterventions(Interventions):
    """``Interventions`` in an open file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    async def all(self) -> Mapping[str, Intervention]:
        return await self._file.read(interventions_in)

    async def pause(self, group: str, pause: OperatorPause) -> None:
        values = (group, pause.at, pause.by, pause.why)
        await self._file.write(lambda connection: connection.execute(_PAUSE, values).fetchall())

    async def resume(self, group: str) -> OperatorPause | None:
        return await self._ended(_RESUME, group)

    async def probe(self, group: str) -> None:
        await self._file.write(lambda connection: connection.execute(_PROBE, (group,)).fetchall())

    async def forget(self, group: str) -> OperatorPause | None:
        return await self._ended(_FORGET, group)

    async def _ended(self, statement: str, group: str) -> OperatorPause | None:
        def end(connection: apsw.Connection) -> OperatorPause | None:
            before = interventions_in(connection).get(group)
            connection.execute(statement, (group,))
            return None if before is None else before.pause

        return await self._file.write(end)


def interventions_in(connection: apsw.Connection) -> Mapping[str, Intervention]:
    """All that was asked, by group."""
    return {
        group: Intervention(None if at is None else OperatorPause(at, by, why), probes)
        for group, at, by, why, probes in connection.execute(_ALL)
    }
