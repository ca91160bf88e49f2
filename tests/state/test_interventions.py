"""What operators ask of groups by hand is kept in every kind of state, and others see it (contract.md#by-hand)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from state_kinds import InRedis, Kind

from exporter.database import Database
from exporter.state.interventions import Intervention, OperatorPause
from exporter.state.kinds import known_interventions, open_state
from exporter.state.sqlite.schema import SCHEMA
from exporter.state.sqlite.settings import SqliteSettings

PAUSE = OperatorPause(1_700_000_000.25, "alice@host", "maintenance: until 5, “really”")
GROUP = "exporter.crm"


async def test_a_pause_lasts_until_it_is_resumed(kind: Kind) -> None:
    async with open_state(kind.settings) as state:
        asked = state.interventions
        assert await asked.all() == {}
        assert await asked.resume(GROUP) is None
        await asked.pause(GROUP, PAUSE)
        assert await asked.all() == {GROUP: Intervention(PAUSE)}
    async with open_state(kind.settings) as first, open_state(kind.settings) as second:
        assert await first.interventions.all() == {GROUP: Intervention(PAUSE)}
        other = replace(PAUSE, why="")
        await second.interventions.pause(GROUP, other)
        assert await first.interventions.all() == {GROUP: Intervention(other)}
        assert await second.interventions.resume(GROUP) == other
        assert (await first.interventions.all()).get(GROUP, Intervention()) == Intervention()


async def test_probes_are_counted_beside_a_pause(kind: Kind) -> None:
    async with open_state(kind.settings) as state:
        asked = state.interventions
        await asked.probe(GROUP)
        await asked.pause(GROUP, PAUSE)
        await asyncio.gather(*(asked.probe(GROUP) for _ in range(5)))
        await asked.probe("exporter.web")
        assert await asked.all() == {GROUP: Intervention(PAUSE, 6), "exporter.web": Intervention(None, 1)}
        await asked.resume(GROUP)
        assert (await asked.all())[GROUP] == Intervention(None, 6)


async def test_a_group_is_forgotten_whole(kind: Kind) -> None:
    async with open_state(kind.settings) as state:
        asked = state.interventions
        await asked.pause(GROUP, PAUSE)
        await asked.probe(GROUP)
        await asked.pause(f"{GROUP}:2", PAUSE)
        assert await asked.forget(GROUP) == PAUSE
        assert await asked.forget(GROUP) is None
        assert await asked.all() == {f"{GROUP}:2": Intervention(PAUSE)}


async def test_a_command_looks_without_changing_anything(kind: Kind) -> None:
    settings = kind.settings
    assert await asyncio.to_thread(known_interventions, settings) == {}
    assert not isinstance(settings, SqliteSettings) or not settings.exists(), "looking makes no file"
    async with open_state(settings) as state:
        await state.interventions.pause(GROUP, PAUSE)
        assert await asyncio.to_thread(known_interventions, settings) == {GROUP: Intervention(PAUSE)}


async def test_a_file_of_an_older_exporter_is_migrated(tmp_path: Path) -> None:
    settings = SqliteSettings(path=tmp_path / "state.db")
    async with Database.open(settings.path, replace(SCHEMA, migrations=SCHEMA.migrations[:3])):
        pass
    assert await asyncio.to_thread(known_interventions, settings) == {}
    async with open_state(settings) as state:
        await state.interventions.pause(GROUP, PAUSE)
        assert await state.interventions.all() == {GROUP: Intervention(PAUSE)}


async def test_a_pause_can_be_ended_where_redis_takes_no_more(kind: Kind) -> None:
    if not isinstance(kind, InRedis):
        return
    async with open_state(kind.settings) as state:
        await state.interventions.pause(GROUP, PAUSE)
        kind.server.cli("CONFIG", "SET", "maxmemory", "1")
        try:
            assert await state.interventions.all() == {GROUP: Intervention(PAUSE)}
            assert await state.interventions.resume(GROUP) == PAUSE
        finally:
            kind.server.cli("CONFIG", "SET", "maxmemory", "0")
