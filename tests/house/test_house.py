"""The house: which room may import which, no circle among files, pure rooms stay pure (docs/architecture.md#rooms).

And no docstring only points elsewhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

import exporter

PACKAGE = Path(exporter.__file__).parent
ARCHITECTURE = (PACKAGE.parent / "docs/architecture.md").read_text(encoding="utf-8")

#: From the ground up: a room imports from rooms that stand before it only.
FLOORS = (
    *(
        "tasks",
        "sections",
        "messages",
        "profile",
        "outbox",
        "transport",
        "auth",
        "database",
        "telemetry",
        "redis_server",
    ),
    *("queues", "state", "dataflow", "source", "settings", "daemon", "receiver", "cli"),
)
#: What is in these folders reads no clock, draws no lots and talks to nobody.
PURE = (
    *("messages", "profile", "outbox", "queues/progress", "auth/reading"),
    *("source/dataprep", "source/profiles/merge", "source/xdm"),
)
#: Values that pure rooms and others hand each other.
PURE_FILES = ("source.records",)
IMPURE = {
    *("aiohttp", "apsw", "asyncio", "concurrent", "logging", "multiprocessing", "os", "random", "secrets", "selectors"),
    *("signal", "socket", "sqlite3", "structlog", "subprocess", "tenacity", "threading", "time", "uuid", "uvloop"),
}
#: Calls that read a clock wherever they come from.
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imports(source: str, modules: Iterable[str]) -> set[str]:
    """Every module of ``modules`` that ``source`` imports, also for types only, also within a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules else node.module for name in names}
    return found & set(modules)


IMPORTS = {module: imports(file.read_text(encoding="utf-8"), FILES) for module, file in FILES.items()}


def room_of(module: str) -> str | None:
    """None for the package's face and ``__main__``, which stand in no room."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else None


def climbing(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """The imports that lead from a room to one above it."""
    for module, imported in graph.items():
        room = room_of(module)
        for other in imported:
            above = room_of(other)
            if room is not None and above is not None and FLOORS.index(above) > FLOORS.index(room):
                yield f"{module} imports {other}"


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules each of which imports the next, and the last one the first; empty if there are none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return way[way.index(module) :]
        if module in done:
            return []
        for other in sorted(graph[module]):
            if found := walk(other, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])


def impurities(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif (
            isinstance(node, ast.Attribute) and node.attr in CLOCKS and isinstance(node.value, ast.Name | ast.Attribute)
        ):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if owner in ("datetime", "date", "time"):
                yield f"line {node.lineno}: {owner}.{node.attr}"
            continue
        else:
            continue
        yield from (f"line {node.lineno}: import {name}" for name in names if name.split(".")[0] in IMPURE)


def pointing(source: str) -> Iterator[str]:
    """The docstrings that begin by pointing elsewhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if text.startswith("See "):
                yield f"{node.name}: {text}"


def test_every_file_stands_in_a_room() -> None:
    rooms = {room for module in FILES if (room := room_of(module)) is not None}
    assert rooms == set(FLOORS)


def test_the_documents_name_the_rooms_in_this_order() -> None:
    assert tuple(re.findall(r"^\| `(\w+)/` \|", ARCHITECTURE, re.MULTILINE)) == FLOORS


def test_no_room_imports_from_a_higher_one() -> None:
    assert sorted(climbing(IMPORTS)) == []


def test_no_circle() -> None:
    assert circle(IMPORTS) == []


@pytest.mark.parametrize("folder", PURE)
def test_a_pure_room_is_pure(folder: str) -> None:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    assert files
    found = {str(file.relative_to(PACKAGE)): list(impurities(file.read_text(encoding="utf-8"))) for file in files}
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize("folder", PURE)
def test_a_pure_room_imports_pure_rooms_and_sections_only(folder: str) -> None:
    allowed = (*(pure.replace("/", ".") for pure in PURE), *PURE_FILES, "sections")
    for module in FILES:
        if module.startswith(f"exporter.{folder.replace('/', '.')}."):
            others = {other.removeprefix("exporter.") for other in IMPORTS[module]}
            assert {other for other in others if not other.startswith(allowed)} == set(), module


def test_no_file_is_longer_than_a_newcomer_reads() -> None:
    lengths = {module: file.read_text(encoding="utf-8").count("\n") for module, file in FILES.items()}
    assert {module: lines for module, lines in lengths.items() if lines > 300} == {}


def test_docstrings_say_something() -> None:
    """What only points elsewhere is left out, where a port or a parent says it, or is said in words of its own."""
    found = [f"{module}: {text}" for module, file in FILES.items() for text in pointing(file.read_text("utf-8"))]
    assert found == []


def test_the_checks_see_what_they_look_for() -> None:
    assert list(pointing('class A:\n    def f(self):\n        """See ``B.f``."""'))
    assert list(climbing({"exporter.profile.event.event": {"exporter.cli.send.command"}}))
    assert not list(climbing({"exporter.cli.send.command": {"exporter.profile.event.event"}}))
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert imports("def f():\n    from a import b", ["a", "a.b"]) == {"a.b"}


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio",
        "import asyncio.events as x",
        "def f():\n    from aiohttp import web",
        "from time import monotonic",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\nread = datetime.utcnow",
        "from datetime import date\ndate.today()",
        "import random",
        "from logging import getLogger",
        "import structlog",
    ],
)
def test_the_check_of_purity_sees_what_it_looks_for(source: str) -> None:
    assert list(impurities(source))


def test_the_check_of_purity_lets_arithmetic_on_times_pass() -> None:
    assert not list(impurities("from datetime import datetime\ndatetime.fromisoformat('x')\nnow = 3\nself.now + 1"))
