"""When segments were mapped is noted once (contract.md#configuration)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from state_kinds import Kind

from exporter.database import Database
from exporter.state.kinds import known_mapping_times, open_state
from exporter.state.port import Segment
from exporter.state.sqlite.schema import SCHEMA
from exporter.state.sqlite.settings import SqliteSettings


async def test_the_first_sight_counts(kind: Kind) -> None:
    settings = kind.settings

    async def known() -> Mapping[Segment, tuple[int, int]]:
        """As the command asks, which has no event loop."""
        return await asyncio.to_thread(known_mapping_times, settings, "crm")

    assert await known() == {}
    assert not isinstance(settings, SqliteSettings) or not settings.exists(), "looking makes no file"
    async with open_state(settings) as state:
        times = state.mapping_times
        assert await times.first_seen("crm", [("ups", "a")], 1000) == {("ups", "a"): (1000, 1000)}
        both = await times.first_seen("crm", [("ups", "a"), ("ups", "b")], 2000)
        assert both == {("ups", "a"): (1000, 1000), ("ups", "b"): (2000, 2000)}
        assert await times.first_seen("web", [("ups", "a")], 3000) == {("ups", "a"): (3000, 3000)}
        assert await times.first_seen("web", [], 4000) == {}
        assert await known() == both, "beside the daemon"
    async with open_state(settings) as state:
        assert await state.mapping_times.first_seen("crm", [("ups", "b")], 9000) == {("ups", "b"): (2000, 2000)}
        assert await state.mapping_times.known("crm") == both
    assert await known() == both, "after it"


async def test_a_file_that_is_not_ours_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to look at" * 100)
    assert known_mapping_times(SqliteSettings(path=tmp_path / "text.db"), "crm") == {}
    foreign = SCHEMA.__class__(application_id=4711, what="something else", migrations=SCHEMA.migrations)
    async with Database.open(tmp_path / "foreign.db", foreign):
        pass
    assert known_mapping_times(SqliteSettings(path=tmp_path / "foreign.db"), "crm") == {}


async def test_looking_at_an_emptied_file_leaves_the_log_to_those_who_have_it_open(tmp_path: Path) -> None:
    settings = SqliteSettings(path=tmp_path / "state.db")
    log = tmp_path / "state.db-wal"
    async with open_state(settings) as state:
        await state.mapping_times.first_seen("crm", [("ups", "a")], 1000)
        os.truncate(settings.path, 0)
        assert await asyncio.to_thread(known_mapping_times, settings, "crm") == {}
        assert log.exists()
