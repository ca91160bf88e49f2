"""Folders that may not be searched: every command names them, and none ends with a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from privileges import LIKE_ANYBODY, needs_setpriv

pytestmark = needs_setpriv


@pytest.fixture
def hidden(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "events.jsonl").write_text("{}\n")
    (tmp_path / "exporter.yaml").write_text(
        json.dumps({"queue": {"path": str(folder / "queue.db")}, "state": {"path": str(folder / "state.db")}})
    )
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


@pytest.mark.parametrize(
    "command",
    [
        ("check", "--connect"),
        ("send", "hidden/events.jsonl"),
        ("send", "--check", "hidden/events.jsonl"),
        ("send", "-"),
        ("preview", "hidden/events.jsonl"),
        ("positions", "list"),
        ("deadletters", "list"),
    ],
    ids=" ".join,
)
def test_is_named(hidden: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*LIKE_ANYBODY, sys.executable, "-m", "exporter", *command, "--config", "exporter.yaml"],
        cwd=hidden.parent,
        input="",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "hidden" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
