"""Long files begin first, and each exists: a name that is none would go unnoticed, and the run take longer."""

from __future__ import annotations

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
