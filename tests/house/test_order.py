"""Long files begin first, each exists, and the tests of a group have one worker: the run would only take longer."""

from __future__ import annotations

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
