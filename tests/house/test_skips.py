"""A test that lacks a program is skipped, with the reason; in CI, which installs them all, it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("reason", "in_ci", "exit_code"),
    [
        ("no broker (Debian: broker)", True, 1),
        ("no broker (Debian: broker)", False, 0),
        ("root may read everything", True, 0),
    ],
)
def test_only_in_ci_a_lacking_program_fails(reason: str, in_ci: bool, exit_code: int, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path)
    (tmp_path / "test_one.py").write_text(f"import pytest\ndef test_one():\n    pytest.skip({reason!r})\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env=environment | ({"CI": "true"} if in_ci else {}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == exit_code, ran.stdout
    assert reason in ran.stdout or exit_code == 0
