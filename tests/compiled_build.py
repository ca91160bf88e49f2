"""Which modules the compiled build compiles, and whether it is what runs, here and in what tests start."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

#: Whether this run is to be on the compiled build.
COMPILED = bool(os.environ.get("EXPORTER_EXPECT_COMPILED"))
#: The transports to test: the one over aiohttp is interpreted on either build.
TRANSPORTS = ("lean",) if COMPILED else ("lean", "aiohttp")


def files() -> list[str]:
    """What ``pyproject.toml`` lists of Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
    return listed


def native_files() -> dict[str, str]:
    """What ``pyproject.toml`` lists of C, by the names of the modules that it becomes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed: dict[str, str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["native"]
    return listed


def loaded(name: str, file: Path) -> Any:
    """The module in a file, source or compiled, which nobody else can import."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mistakes() -> list[str]:
    """Those modules that this process would not load compiled, each with where it would load it from."""
    names = [file.removesuffix(".py").replace("/", ".") for file in files()]
    found = {name: spec.origin if (spec := importlib.util.find_spec(name)) else None for name in names}
    return [
        f"{name} is {origin}" for name, origin in found.items() if not str(origin).endswith(tuple(EXTENSION_SUFFIXES))
    ]


def mistakes_of_a_child(command: Sequence[str] = (sys.executable, "-m", "exporter")) -> list[str]:
    """What a command says of itself that is started as tests start the daemon, unless it is compiled."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run([*command, "--version"], cwd=folder, capture_output=True, text=True, timeout=60)
    if ran.stdout.endswith(" (compiled, native projector)\n"):
        return []
    return [f"a child says {ran.stdout.strip() or ran.stderr.strip()!r}"]
