"""Runs a how-to page as a reader does: its files, its commands in one shell, and what stands below them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from clean_clone import environment, other_ports
from fences import Fence
from warm_command import warm_command

#: A snippet of YAML is the file that its first line names.
_FILE = re.compile(r"# (\S+\.ya?ml)\n")
_END = "== end of snippet"
#: What runs until it is stopped is the command itself, which signals reach; all else has its modules in memory.
_EXPORTER = """#!/bin/sh
case "$1" in run|serve|receive) exec {real} "$@" ;; esac
exec {warm} "$@"
"""
#: No page takes a tenth of that.
_HANGS_SECONDS = "240"
#: The ports that pages name, and the variable by which the configuration takes another, where it does not name it.
_PORTS = {
    "8080": "", "8081": "", "8082": "", "8083": "",
    "9464": "EXPORTER__OPS__PORT",
    "8085": "EXPORTER__SERVE__PORT",
    "8086": "EXPORTER__SERVE__API__PORT",
    "9465": "EXPORTER__SERVE__OPS__PORT",
}  # fmt: skip
#: What differs from run to run: names of records and test events, and moments.
_VARYING = (
    (re.compile(r"\b\d{13}:\d+:\d+"), "NAME"),
    (re.compile(r"\btest:[0-9a-f]{16}\b"), "test:ID"),
    (re.compile(r"\b\d{13}\b"), "0"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """A command of a page with what it printed, and the snippet below that shows what it prints, if there is one."""

    command: Fence
    printed: str
    shown: Fence | None

    def as_shown(self) -> bool:
        """Whether the command printed what the page says; a command without a snippet below it may print nothing."""
        printed = _unvarying(self.printed).strip()
        if self.shown is None:
            return printed == ""
        expected = _unvarying(self.shown.text).strip()
        if self.shown.language == "text":
            return printed == expected
        return _objects(printed) == _objects(expected)


@dataclass(slots=True)
class Place:
    """An empty folder with ports of its own: nothing but these differs from what a reader pastes."""

    folder: Path
    ports: dict[str, str] = field(default_factory=partial(other_ports, _PORTS))

    def run(self, fences: Sequence[Fence]) -> list[Ran]:
        """What became of the commands of a page. Raises AssertionError where a command fails."""
        commands = [fence for fence in fences if fence.language == "sh" and fence.not_run is None]
        steps = [self._step(fence) for fence in fences if fence.not_run is None]
        script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true; wait || true' EXIT", *steps]
        with TemporaryDirectory() as programs:
            done = subprocess.run(
                # What hangs is ended with all that it has started.
                ["timeout", "--kill-after=10", _HANGS_SECONDS, "bash", "-c", "\n".join(script)],
                cwd=self.folder, env=self._environment(fences, _programs(Path(programs))), stdin=subprocess.DEVNULL,
                capture_output=True, text=True,
            )  # fmt: skip
        logs = "".join(each.read_text(encoding="utf-8") for each in sorted(self.folder.glob("data/*.log")))
        assert done.returncode == 0, done.stderr + done.stdout + logs
        outputs = self._as_written(done.stdout).split(f"\n{_END}\n")
        shown = [_below(fence, fences) for fence in commands]
        return [Ran(*row) for row in zip(commands, outputs, shown, strict=False)]

    def _step(self, fence: Fence) -> str:
        text = self._with_ports(fence.text)
        if fence.language == "sh":
            return f"{text}\necho; echo '{_END}'"
        if fence.language != "yaml":
            return ""
        named = _FILE.match(fence.text)
        assert named is not None, f"the snippet at line {fence.line} does not say which file it is"
        return f"mkdir -p $(dirname {named[1]})\ncat > {named[1]} <<'END OF FILE'\n{text}END OF FILE"

    def _environment(self, fences: Sequence[Fence], programs: Path) -> dict[str, str]:
        takes_records = any("\nsources:" in fence.text for fence in fences)
        chosen = {
            variable: self.ports[number]
            for number, variable in _PORTS.items()
            if variable and (takes_records or "SERVE" not in variable)
        }
        found = environment(self.folder)
        return found | chosen | {"PATH": f"{programs}{os.pathsep}{found['PATH']}"}

    def _with_ports(self, text: str) -> str:
        for number, port in self.ports.items():
            text = re.sub(rf"((?:127\.0\.0\.1|localhost):|--port ){number}\b", rf"\g<1>{port}", text)
        return text

    def _as_written(self, text: str) -> str:
        for number, port in self.ports.items():
            text = re.sub(rf"\b{port}\b", number, text)
        return text


def _programs(folder: Path) -> Path:
    """The folder with the command ``exporter`` in it, to be first on the path."""
    real, warm = shlex.join([sys.executable, "-m", "exporter"]), shlex.join(warm_command())
    (folder / "exporter").write_text(_EXPORTER.format(real=real, warm=warm), encoding="utf-8")
    (folder / "exporter").chmod(0o755)
    return folder


def _below(fence: Fence, fences: Sequence[Fence]) -> Fence | None:
    after = fences[fences.index(fence) + 1 :]
    return after[0] if after and after[0].not_run is None and after[0].language in ("json", "text") else None


def _unvarying(text: str) -> str:
    for pattern, stands in _VARYING:
        text = pattern.sub(stands, text)
    return text


def _objects(text: str) -> list[object]:
    """JSON objects that stand one behind the other, as commands print them, a line each or over several."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        each, at = decoder.raw_decode(text, at)
        found.append(each)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found
