"""A database that others may read is closed to them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.database.privacy import kept_private
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import open_queue
from exporter.state.kinds import open_state
from exporter.state.sqlite.settings import SqliteSettings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o666, 0o600), (0o644, 0o600), (0o604, 0o600), (0o660, 0o660), (0o640, 0o640), (0o600, 0o600)],
)
def test_what_is_ours_is_closed_to_everybody(tmp_path: Path, before: int, after: int) -> None:
    path = tmp_path / "data.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)
    files = [path, tmp_path / "data.db-wal", tmp_path / "data.db-shm"]
    for file in files:
        file.touch()
        file.chmod(before)
    assert list(kept_private(link)) == []
    assert [mode(file) for file in files] == [after] * 3


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root may give a file away")
def test_of_what_is_not_ours_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    path.touch()
    path.chmod(0o666)
    os.chown(path, 65534, 65534)
    program = "import sys; from exporter.database import kept_private; from pathlib import Path;"
    program += "print(*kept_private(Path(sys.argv[1])), sep='\\n')"
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == (
        f"{path} is open to everybody (mode 666), and that cannot be changed (Operation not permitted): it holds "
        f"personal data; its owner should run: chmod 600 {path}\n"
    )
    assert mode(path) == 0o666


def modes_in(folder: Path) -> set[int]:
    return {mode(file) for file in folder.iterdir()}


def made_by_others(path: Path) -> Path:
    path.touch()
    path.chmod(0o666)
    return path


async def test_a_journal_made_by_others_is_closed_to_them(tmp_path: Path) -> None:
    path = made_by_others(tmp_path / "queue.db")
    async with open_queue(JournalSettings(path=path), (), pytest.fail):
        assert modes_in(tmp_path) == {0o600}


async def test_a_state_made_by_others_is_closed_to_them(tmp_path: Path) -> None:
    path = made_by_others(tmp_path / "state.db")
    async with open_state(SqliteSettings(path=path)):
        assert modes_in(tmp_path) == {0o600}
