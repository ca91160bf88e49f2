"""``exporter profile export`` to a file: whole or not at all, and in the place of another only when that is said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exporter.cli.commands import command_line
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import SqliteProfiles, open_sqlite
from exporter.source.records import Identity, Operation, Record

CONFIG = """
state: {path: state.db}
queue: {kind: journal, path: queue.db}
intake: {kind: journal, path: intake.db}
profiles: {path: profiles.db}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "exporter.yaml").write_text(CONFIG)

    async def fill() -> None:
        identity = Identity("key", "a")
        async with open_sqlite(tmp_path / "profiles.db", Rules()) as store:
            await store.apply(
                [Record("1:0:0", 1, "web", identity, (identity,), True, Operation.CREATE, {"x": 1})], 10**6
            )

    asyncio.run(fill())
    return tmp_path / "exporter.yaml"


def export(config: Path, *words: str) -> Result:
    command = ["profile", "export", *words, "--config", str(config)]
    return CliRunner().invoke(command_line(["profile"]), command)


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "out" / "profiles.jsonl"
    file.parent.mkdir()
    file.write_text("precious")
    done = export(config, str(file))
    assert (done.exit_code, file.read_text()) == (1, "precious")
    assert "--force" in done.output
    link = tmp_path / "link"
    link.symlink_to(file)
    assert export(config, str(link), "--force").exit_code == 0
    assert link.is_symlink()
    assert b'"x":1' in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    assert list(file.parent.iterdir()) == [file]
    assert export(config, "/dev/null").exit_code == 0


def test_what_cannot_be_written_whole_is_not_there(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").write_text("precious")
    monkeypatch.setattr(SqliteProfiles, "export_profiles", full)
    for name in ("new", "old"):
        done = export(config, str(folder / name), "--force")
        assert done.exit_code == 1
        assert "No space left on device" in done.output
    assert list(folder.iterdir()) == [folder / "old"]
    assert (folder / "old").read_text() == "precious"
    assert export(config, str(tmp_path / "nowhere" / "new")).exit_code == 1
