"""A full disk and a store that comes back: nothing is half stored, failures are values (contract.md#whose-fault)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from letters_made import GROUP, letter

from exporter.database import Database, DatabaseUnavailable
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import DeadLetters
from exporter.state.letter import Filter, Outcome, Stored, Unavailable
from exporter.state.port import StateUnavailable
from exporter.state.sqlite.letter_store import SqliteLetterStore
from exporter.state.sqlite.schema import SCHEMA

ROOM = 1 << 30
#: Of the small file system. SQLite's log is written back beside the writers, who may have filled all of it with log by
#: then; so as much as was filled must become free.
TMPFS_BYTES = 32 * 1024 * 1024


async def test_files_that_may_not_grow(tmp_path: Path) -> None:
    """As ``ulimit -f``: needs no rights."""
    path = tmp_path / "state.db"
    script = Path(__file__).with_name("filling_disk.py")
    done = await asyncio.to_thread(_run, sys.executable, str(script), str(path), "330000")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert len(seen["stored"]) > 3
    assert "disk" in seen["reason"]
    assert seen["kept_while_full"] == seen["stored"], "what was stored can be read, and nothing of what was not"
    assert seen["probed"] == ["Unavailable", "Stored"]
    assert seen["after"] == "Stored"
    assert seen["count"] == len(seen["stored"]) + 1
    async with Database.open(path, SCHEMA) as database:
        assert await DeadLetters(SqliteLetterStore(database)).count(Filter()) == seen["count"], "and it is on the disk"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
async def test_a_full_file_system(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = f"size={TMPFS_BYTES}"
    mounted = await asyncio.to_thread(_run, "mount", "-t", "tmpfs", "-o", size, "exporter-test", str(disk))
    if mounted.returncode != 0:
        pytest.skip(f"this machine lets root mount nothing: {mounted.stderr.strip()}")
    try:
        await _fill_and_free(disk)
    finally:
        assert (await asyncio.to_thread(_run, "umount", str(disk))).returncode == 0


async def _fill_and_free(disk: Path) -> None:
    path = disk / "state.db"
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * (TMPFS_BYTES // 2))
    async with Database.open(path, SCHEMA) as database:
        crm = DeadLetters(SqliteLetterStore(database)).of("crm", GROUP, ROOM)
        await crm.open()
        position = 0
        while isinstance(outcome := await crm.put([letter(position, body=b"x" * 200_000)]), Stored):
            position += 1
        assert isinstance(outcome, Unavailable)
        assert "full" in outcome.reason
        assert isinstance(await crm.put([], [("p-0", "j", 9)]), Stored | Unavailable)
        assert await crm.kept("j", range(100)) == set(range(position))
        ballast.unlink()
        assert await crm.probe() == Stored()
        assert await crm.put([letter(position)]) == Stored()
    async with Database.open(path, SCHEMA) as database:
        assert await DeadLetters(SqliteLetterStore(database)).count(Filter()) == position + 1


async def test_a_store_that_goes_and_comes_back(tmp_path: Path) -> None:
    """Another process holds it: every call says so in its own way, and works again afterwards."""
    path = tmp_path / "state.db"
    async with Database.open(path, SCHEMA) as database:
        store = DeadLetters(SqliteLetterStore(database), poll_seconds=0)
        crm = store.of("crm", GROUP, ROOM)
        await crm.open()
        assert await crm.put([letter(1)]) == Stored()
        gone = path.rename(tmp_path / "elsewhere.db")
        assert isinstance(await asyncio.wait_for(_until_noticed(crm), 30), Unavailable)
        assert isinstance(await crm.put([letter(3)], [("p-1", "j", 3)]), Unavailable)
        assert isinstance(await crm.delivered(1), Unavailable)
        assert isinstance(await crm.failed(1, letter(1)), Unavailable)
        with pytest.raises(StateUnavailable):
            await store.purge(Filter())
        with pytest.raises(StateUnavailable):
            await store.ask(Filter(), superseded=True)
        gone.rename(path)
        assert await crm.probe() == Stored()
        assert await crm.put([letter(3)], [("p-1", "j", 3)]) == Stored()
        assert await crm.kept("j", [1, 2, 3]) >= {1, 3}
        assert not crm.concerns("p-1")


async def _until_noticed(crm: DataflowLetters) -> Outcome:
    """The database looks once a second whether its file is still there; letters are put until it did."""
    while True:
        outcome = await crm.put([letter(2)])
        if not isinstance(outcome, Stored):
            return outcome
        await asyncio.sleep(0.05)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "state.db", SCHEMA) as database:
        store = DeadLetters(SqliteLetterStore(database), poll_seconds=0)
        crm = store.of("crm", GROUP, ROOM)
        await crm.open()
        await crm.put([letter(1)])
    with pytest.raises(DatabaseUnavailable):
        await database.read(lambda _: None)
    assert isinstance(await crm.put([letter(2)]), Unavailable)
    with pytest.raises(StateUnavailable):
        await crm.kept("j", [1])
    with pytest.raises(StateUnavailable):
        await crm.requested(1)
    with pytest.raises(StateUnavailable):
        await crm.superseded(1)
    with pytest.raises(StateUnavailable):
        await store.of("crm", GROUP, ROOM).open()
