"""Every command and option that README and pages name in their text is one that there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clean_clone import ROOT
from typer.main import get_command

from exporter.cli.commands import command_line

COMMANDS: Any = get_command(command_line())
PAGES = [Path("README.md"), *sorted(file.relative_to(ROOT) for file in (ROOT / "docs").rglob("*.md"))]
_NAMED = re.compile(r"`exporter ([^`\n]+)`")


def mistakes(named: str) -> Iterator[str]:
    """What is no command or option in the words after ``exporter``; capitals stand for something."""
    command, words = COMMANDS, shlex.split(named.replace("…", ""))
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if word.startswith("-"):
            words.insert(0, word)
            break
        if word not in command.commands:
            yield f"exporter {named}: no command {word}"
            return
        command = command.commands[word]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        name = word.partition("=")[0]
        if word.startswith("--") and name not in options | {"--help"}:
            yield f"exporter {named}: no option {name}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_names_exists(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [each for named in _NAMED.findall(text) for each in mistakes(named)] == []


def test_the_check_sees_what_it_looks_for() -> None:
    assert list(mistakes("check --connect --destination NAME")) == []
    assert list(mistakes("--version")) == []
    assert list(mistakes("deadletter list")) == ["exporter deadletter list: no command deadletter"]
    assert list(mistakes("deadletters list --jason")) == ["exporter deadletters list --jason: no option --jason"]
