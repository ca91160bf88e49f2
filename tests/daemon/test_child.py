"""What the exporter starts of itself is itself, whatever lies in the current folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from exporter import __version__
from exporter.daemon.process import child


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with another program of the name."""
    (tmp_path / "exporter").mkdir()
    (tmp_path / "exporter/__init__.py").write_text("raise SystemExit('another one')", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("more", [{}, {"PYTHONPATH": "."}], ids=["", "that even PYTHONPATH names"])
def test_it_is_this_package(elsewhere: Path, more: dict[str, str]) -> None:
    ran = subprocess.run(
        child.command("--version"),
        cwd=elsewhere,
        env=child.environment(os.environ | more),
        capture_output=True,
        text=True,
    )
    assert ran.stdout.startswith(f"exporter {__version__}"), ran.stderr


def test_what_pythonpath_named_is_still_found(elsewhere: Path) -> None:
    found = child.environment({"PYTHONPATH": "one:two", "A": "b"})
    assert found["A"] == "b"
    assert found["PYTHONPATH"].split(os.pathsep)[1:] == ["one", "two"]
