"""Long files begin first, each exists, and the tests of a group have one worker: the run would only take longer.

In CI the seconds of its steps are told.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture
def long_files(request: pytest.FixtureRequest) -> list[str]:
    plugins = request.config.pluginmanager.get_plugins()
    [named] = [plugin.LONG_FILES for plugin in plugins if hasattr(plugin, "LONG_FILES")]
    return list(named)


def test_every_long_file_exists(long_files: list[str]) -> None:
    assert [name for name in long_files if not (TESTS / name).exists()] == []


def test_long_files_come_first(long_files: list[str], request: pytest.FixtureRequest) -> None:
    paths = dict.fromkeys(item.path.relative_to(TESTS).as_posix() for item in request.session.items)
    collected = [name for name in long_files if name in paths]
    assert list(paths)[: len(collected)] == collected


def test_the_tests_of_a_file_have_one_worker() -> None:
    files = ["tests/tasks/test_hurry.py", "tests/tasks/test_ending.py", "tests/tasks/test_lifetimes.py"]
    command = [sys.executable, "-m", "pytest", "-n", "3", "-v", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=True)
    ran = set(re.findall(r"^\[(gw\d)\].* PASSED (tests/[^:]+)::", done.stdout, re.MULTILINE))
    assert sorted(file for _, file in ran) == sorted(files)


def test_what_ci_did_before_stands_above_the_summary() -> None:
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "tests/tasks/test_ending.py"]
    environ = {**os.environ, "CI_STEPS": "   12 s  linters\n    3 s  the image\n"}
    done = subprocess.run(command, cwd=TESTS.parent, env=environ, capture_output=True, text=True, check=True)
    *_, head, first, second, summary = done.stdout.splitlines()
    assert "CI's steps" in head
    assert (first, second) == ("   12 s  linters", "    3 s  the image")
    assert re.fullmatch(r"=+ \d+ passed in .* =+", summary)
