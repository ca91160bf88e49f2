"""The command imports what the subcommand needs that was asked for, and the help lists them all."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from exporter.cli.commands import COMMANDS, command_line

_LOADED = "import sys; from exporter.cli.app import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"


def loaded(*words: str) -> set[str]:
    """The modules that are imported once the command has ended."""
    done = subprocess.run([sys.executable, "-c", _LOADED, *words], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--version",), ("receive", "--help")])
def test_what_was_not_asked_for_is_not_imported(words: tuple[str, ...]) -> None:
    assert not loaded(*words) & {"exporter.settings.tree", "exporter.queues.kinds", "exporter.daemon.daemon"}


def test_the_version_needs_no_look() -> None:
    assert not [name for name in loaded("--version") if name.split(".")[0] in ("rich", "pydantic")]


def test_the_help_lists_every_subcommand() -> None:
    done = subprocess.run([sys.executable, "-m", "exporter", "--help"], capture_output=True, text=True, check=True)
    listed = [line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)


@pytest.mark.parametrize("words", [(), ("status",), ("deadletters",), ("source", "deadletters", "list")])
def test_the_short_option_helps_everywhere(words: tuple[str, ...]) -> None:
    def shown(option: str) -> str:
        done = CliRunner().invoke(command_line(), [*words, option])
        assert done.exit_code == 0
        return done.stdout

    assert shown("-h") == shown("--help")


def test_a_subcommand_that_is_none_is_told_with_all_that_there_are() -> None:
    done = subprocess.run([sys.executable, "-m", "exporter", "chekc"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "chekc" in done.stderr
