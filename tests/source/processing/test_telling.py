"""The teller on a real store: what kept it from telling is over once the store says so, with or without events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.queues.memory import open_memory
from exporter.source.processing import telling
from exporter.source.processing.telling import Teller
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfilesUnavailable, Told
from exporter.source.profiles.sqlite.store import SqliteProfiles, open_sqlite


async def test_a_store_that_was_away_works_again_without_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "LOOK_SECONDS", 0.01)
    told = SqliteProfiles.told
    looks: list[str | None] = []

    async def away_once(store: SqliteProfiles, after: int, limit: int, max_bytes: int) -> Sequence[Told]:
        looks.append(teller.failure)
        if len(looks) == 1:
            raise ProfilesUnavailable("it is away")
        return await told(store, after, limit, max_bytes)

    monkeypatch.setattr(SqliteProfiles, "told", away_once)
    async with (
        open_memory(max_bytes=10**9, groups=set(), warn=pytest.fail) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as store,
    ):
        teller = Teller(store, queue, lambda _: 0.0, lambda _: None)
        running = asyncio.create_task(teller.run())
        async with asyncio.timeout(30):
            while len(looks) < 3:
                assert not running.done(), running.exception()
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait([running])
    assert looks[:3] == [None, "it is away", None]
