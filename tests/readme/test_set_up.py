"""A download that fails is tried again, and is told apart from a test that fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from clean_clone import ROOT, copy_to, environment

DOWNLOAD = ROOT / ".ci/download"


def download(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOWNLOAD, "sh", "-c", f"echo try >> tries; {command}"],
        cwd=folder, env={"PATH": "/usr/bin:/bin", "DOWNLOAD_PAUSE_SECONDS": "0"}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "code", "tries"),
    [("true", 0, 1), ('[ "$(wc -l < tries)" -ge 2 ]', 0, 2), ('[ "$(wc -l < tries)" -ge 3 ]', 0, 3), ("exit 5", 75, 3)],
)
def test_three_tries(command: str, code: int, tries: int, tmp_path: Path) -> None:
    done = download(tmp_path, command)
    assert done.returncode == code
    assert (tmp_path / "tries").read_text(encoding="utf-8").count("try") == tries
    assert ("not a test" in done.stderr) == (code == 75)


def test_set_up_that_fails_says_so_and_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    clone = copy_to(tmp_path / "clone")
    environ = environment(tmp_path) | {"DOWNLOAD_PAUSE_SECONDS": "0"}
    del environ["PYTHONPATH"]
    done = subprocess.run(["make", "test"], cwd=clone, env=environ, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Error 75" in done.stderr
    assert "What failed is set-up, not a test" in done.stderr
    assert not (clone / ".venv/.installed-dev").exists()


def test_set_up_is_not_done_again(tmp_path: Path) -> None:
    clone = copy_to(tmp_path / "clone")

    def planned() -> str:
        command = ["make", "--dry-run", "demo"]
        return subprocess.run(
            command, cwd=clone, env=environment(tmp_path), check=True, capture_output=True, text=True
        ).stdout

    assert "pip install" in planned()
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").touch()
    (clone / ".venv/.installed").touch()
    assert "pip install" not in planned()
    (clone / "pyproject.toml").touch()
    (clone / ".venv/.installed").touch()
    assert "pip install" not in planned()
    older = (clone / ".venv/.installed").stat().st_mtime + 10
    os.utime(clone / "pyproject.toml", (older, older))
    assert "pip install" in planned()


def test_the_compiled_build_is_made_again_after_an_edit_and_not_otherwise(tmp_path: Path) -> None:
    clone = copy_to(tmp_path / "clone")
    for name in (".venv/bin/python", ".venv/.installed-dev", "build/.wheel", "build/compiled/.unpacked"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()

    def planned() -> tuple[bool, bool]:
        command = ["make", "--dry-run", "test-compiled"]
        steps = subprocess.run(
            command, cwd=clone, env=environment(tmp_path), check=True, capture_output=True, text=True
        ).stdout
        assert "EXPORTER_EXPECT_COMPILED=1" in steps
        return "hatchling build" in steps, "zipfile --extract" in steps

    assert planned() == (False, False)
    made = (clone / "build/.wheel").stat().st_mtime
    (clone / "exporter/telemetry/counting.py").touch()
    os.utime(clone / "exporter/telemetry/counting.py", (made + 10, made + 10))
    assert planned() == (True, True)
