"""When segments were mapped is noted once (DESIGN §2.4)."""

from __future__ import annotations

from pathlib import Path

from exporter.database import Database
from exporter.state.kinds import StateSettings
from exporter.state.schema import SCHEMA


async def test_the_first_sight_counts(tmp_path: Path) -> None:
    settings = StateSettings(path=tmp_path / "folder" / "state.db")
    assert settings.known_mapping_times("crm") == {}
    assert not settings.exists(), "looking makes no file"
    async with settings.open() as state:
        times = state.mapping_times
        assert await times.first_seen("crm", [("ups", "a")], 1000) == {("ups", "a"): (1000, 1000)}
        both = await times.first_seen("crm", [("ups", "a"), ("ups", "b")], 2000)
        assert both == {("ups", "a"): (1000, 1000), ("ups", "b"): (2000, 2000)}
        assert await times.first_seen("web", [("ups", "a")], 3000) == {("ups", "a"): (3000, 3000)}
        assert await times.first_seen("web", [], 4000) == {}
        assert settings.known_mapping_times("crm") == both, "beside the daemon"
    async with settings.open() as state:
        assert await state.mapping_times.first_seen("crm", [("ups", "b")], 9000) == {("ups", "b"): (2000, 2000)}
        assert await state.mapping_times.known("crm") == both
    assert settings.known_mapping_times("crm") == both, "after it"


async def test_a_file_that_is_not_ours_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to look at" * 100)
    assert StateSettings(path=tmp_path / "text.db").known_mapping_times("crm") == {}
    foreign = SCHEMA.__class__(application_id=4711, what="something else", migrations=SCHEMA.migrations)
    async with Database.open(tmp_path / "foreign.db", foreign):
        pass
    assert StateSettings(path=tmp_path / "foreign.db").known_mapping_times("crm") == {}
