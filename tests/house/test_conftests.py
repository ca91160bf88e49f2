"""What a ``conftest.py`` takes from the package is there: mypy leaves these files out, since they share one name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from textwrap import dedent

import pytest

TESTS = Path(__file__).parents[1]


def taken(source: str) -> Iterator[str]:
    """The dotted names of ``exporter`` in ``source``: of its imports, and whole strings, as ``setattr`` takes."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            case ast.Constant(value=str(text)):
                names = [text]
            case _:
                continue
        yield from (name for name in names if re.fullmatch(r"exporter(\.\w+)+", name))


def lost(source: str) -> list[str]:
    """The names of ``taken`` that lead nowhere."""
    found = []
    for name in taken(source):
        try:
            resolve_name(name)
        except (ImportError, AttributeError):
            found.append(name)
    return found


@pytest.mark.parametrize("file", sorted(TESTS.rglob("conftest.py")), ids=lambda file: str(file.relative_to(TESTS)))
def test_what_it_takes_from_the_package_is_there(file: Path) -> None:
    assert lost(file.read_text(encoding="utf-8")) == []


def test_the_check_sees_what_it_looks_for() -> None:
    source = """
        import exporter.profile.moved
        from exporter.profile.paths import moved, format_path
        from exporter.profile import moved, paths
        from pytest import moved
        def f(patch):
            patch.setattr("exporter.profile.paths.MOVED", 1)
            patch.setattr("exporter.profile.paths.format_path", "exporter is a word")
    """
    assert lost(dedent(source)) == [
        "exporter.profile.moved",
        "exporter.profile.paths.moved",
        "exporter.profile.moved",
        "exporter.profile.paths.MOVED",
    ]
