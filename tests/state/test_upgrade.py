"""A file of the state that an older exporter wrote: its letters and times stay, and it gets a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from letters_made import GROUP, letter

from exporter.database import Database
from exporter.state.dead_letters import DeadLetters
from exporter.state.kinds import known_mapping_times, open_state
from exporter.state.letter import Filter, Stored
from exporter.state.sqlite.letter_store import SqliteLetterStore
from exporter.state.sqlite.schema import SCHEMA
from exporter.state.sqlite.settings import SqliteSettings


async def test_one_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with Database.open(path, replace(SCHEMA, migrations=SCHEMA.migrations[:1])) as database:
        old = DeadLetters(SqliteLetterStore(database)).of("crm", GROUP, 1 << 20)
        assert await old.put([letter(1)]) == Stored()
        await database.write(
            lambda connection: connection.execute(
                "INSERT INTO mapping_times VALUES (?, ?, ?, 7, 7)", ("crm", "ups", "a")
            )
        )
    settings = SqliteSettings(path=path)
    assert known_mapping_times(settings, "crm") == {("ups", "a"): (7, 7)}
    async with open_state(settings) as state:
        name = state.identity
        assert len(name) == 32
        assert await state.letters.count(Filter()) == 1
        assert await state.mapping_times.known("crm") == {("ups", "a"): (7, 7)}
    async with open_state(settings) as state:
        assert state.identity == name
