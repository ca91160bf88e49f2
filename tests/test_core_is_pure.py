"""The pure core stays pure: no event loop, no client, no clock, no chance, no logger (DESIGN 4)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

PACKAGE = Path(exporter.__file__).parent

#: Files of the core, by pattern, so that later ones are held to it too.
CORE = (
    "profile/**/*.py",
    "delivery/answer_reader.py",
    "delivery/breaker.py",
    "delivery/broken_head.py",
    "delivery/concurrency.py",
    "delivery/crowd.py",
    "delivery/export.py",
    "delivery/faults.py",
    "delivery/lines.py",
    "delivery/memory.py",
    "delivery/outbox.py",
    "delivery/pacing.py",
    "delivery/round_trips.py",
    "delivery/turns.py",
    "delivery/verdict.py",
    "queues/positions.py",
    "auth/token.py",
    "auth/unpacking.py",
)
IMPURE = {
    *("aiohttp", "asyncio", "concurrent", "logging", "multiprocessing", "os", "random", "secrets", "selectors"),
    *(
        "signal",
        "socket",
        "sqlite3",
        "apsw",
        "structlog",
        "subprocess",
        "tenacity",
        "threading",
        "time",
        "uuid",
        "uvloop",
    ),
}
#: Calls that read a clock wherever they come from.
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}


def files() -> list[Path]:
    return sorted({file for pattern in CORE for file in PACKAGE.glob(pattern)})


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


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_of_the_core_is_pure(file: Path) -> None:
    assert list(impurities(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("pattern", CORE)
def test_every_pattern_finds_the_core(pattern: str) -> None:
    assert list(PACKAGE.glob(pattern))


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
def test_the_check_sees_what_it_looks_for(source: str) -> None:
    assert list(impurities(source))


def test_the_check_lets_arithmetic_on_times_pass() -> None:
    assert not list(impurities("from datetime import datetime\ndatetime.fromisoformat('x')\nnow = 3\nself.now + 1"))
