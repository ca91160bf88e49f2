"""One process applies records to a file of profiles, also where somebody removes the lock's file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.queues.journal.lease import Leases
from exporter.source.profiles import alone
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.tasks.background import in_background


def lock_of(file: Path) -> Path:
    [lock] = file.with_name(f"{file.name}.locks").iterdir()
    return lock


async def test_a_lock_that_is_removed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "LOOK_SECONDS", 0.01)
    file = tmp_path / "profiles.db"
    async with open_sqlite(file, Rules()), alone.alone_at(file) as held, in_background(held.run):
        lock = lock_of(file)
        lock.unlink()
        async with asyncio.timeout(30):
            while not lock.exists():  # noqa: ASYNC110 (a file)
                await asyncio.sleep(0.005)
            while not Leases(file).busy("applying"):  # noqa: ASYNC110 (a lock)
                await asyncio.sleep(0.005)
        assert held.failure is None


async def test_another_process_that_was_quicker_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "LOOK_SECONDS", 0.01)
    file = tmp_path / "profiles.db"
    async with open_sqlite(file, Rules()), alone.alone_at(file) as held:
        lock_of(file).unlink()
        with Leases(file).taken("applying") as free:
            assert free
            async with in_background(held.run), asyncio.timeout(30):
                while held.failure is None:  # noqa: ASYNC110 (a plain value)
                    await asyncio.sleep(0.005)
    assert held.failure.startswith("the lock of whoever applies records to the profiles was removed while it was held")


async def test_a_lock_that_cannot_be_made_is_a_failure_of_the_profiles(tmp_path: Path) -> None:
    file = tmp_path / "profiles.db"
    async with open_sqlite(file, Rules()):
        file.with_name(f"{file.name}.locks").write_bytes(b"")
        with pytest.raises(ProfilesUnavailable, match="the lock of whoever applies records to the profiles"):
            async with alone.alone_at(file):
                pass
