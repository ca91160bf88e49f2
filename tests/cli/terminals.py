"""A terminal of a given width for a command that runs within the test, and snapshots of what stands on it."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from exporter import __version__
from exporter.cli.commands import COMMANDS, command_line

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDTHS = (60, 80, 120)
#: Of tables, which have no room there.
NARROW = 40
#: Sequences that colour a text or move the cursor.
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Pipe(io.TextIOWrapper):
    """What a command takes for a pipe."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding="utf-8", newline="\n")

    def written(self) -> str:
        """What was written, whichever way."""
        self.flush()
        return self._bytes.getvalue().decode()


class Terminal(Pipe):
    """What a command takes for a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def plain(text: str) -> str:
    """The text without colours, and without blanks at the ends of lines."""
    return "".join(f"{line.rstrip()}\n" for line in _CODES.sub("", text).splitlines())


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, show: Callable[[], object], lines: int = 24) -> str:
    """What ``show`` puts on a terminal's standard output, with the codes of its colours."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    terminal = Terminal()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", terminal)
        show()
    return terminal.written()


def on_pipe(monkeypatch: pytest.MonkeyPatch, show: Callable[[], object]) -> str:
    """What ``show`` puts on a pipe, whatever colours the environment would like."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    pipe = Pipe()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", pipe)
        show()
    return pipe.written()


def run(*words: str) -> Callable[[], object]:
    """The command with these words, to be called; its exit code is of no interest."""

    def called() -> None:
        named = COMMANDS if words[0].startswith("-") else words[:1]
        command_line(named)(list(words), "exporter", standalone_mode=False)

    return called


def is_snapshot(name: str, shown: str) -> None:
    """Hold ``shown`` to the file of this name; with ``EXPORTER_SNAPSHOTS=write`` the file is written anew."""
    file = SNAPSHOTS / f"{name}.txt"
    text = shown.replace(f"exporter/{__version__}", "exporter/VERSION").replace(f"exporter {__version__}", "exporter V")
    if os.environ.get("EXPORTER_SNAPSHOTS") == "write":
        file.write_text(text, encoding="utf-8")
    assert file.is_file(), f"{file.name} is written by EXPORTER_SNAPSHOTS=write"
    assert text == file.read_text(encoding="utf-8"), "EXPORTER_SNAPSHOTS=write writes it anew"


def fits(shown: str, columns: int) -> None:
    """Hold every line to the width of the terminal, characters of double width counted as such."""
    assert [line for line in shown.splitlines() if cell_len(line) > columns] == []
