"""A destination that is none is a wrong call in every command that takes a name: 2, with a guess of what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from exporter.cli.commands import command_line

COMMANDS = [
    ("pause", "crn"),
    ("resume", "crn"),
    ("probe", "crn", "--json"),
    ("send", "--to", "crn", "--test"),
    ("preview", "events.jsonl", "--destination", "crn"),
    ("check", "--destination", "crn"),
    ("test", "--destination", "crn"),
    ("deadletters", "list", "--destination", "crn"),
    ("deadletters", "replay", "--destination", "crn"),
    ("deadletters", "purge", "--yes", "--destination", "crn"),
    ("positions", "seek", "crn", "latest"),
    ("positions", "drop", "crn"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_is_a_wrong_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("exporter.yaml").write_text("destinations: [{name: crm, endpoint: 'http://127.0.0.1:9/', segments: [s]}]\n")
    Path("events.jsonl").write_text("{}\n")
    done = CliRunner().invoke(command_line(), [*words, "--config", "exporter.yaml"])
    assert done.exit_code == 2, done.output
    assert "; did you mean crm?" in done.output
    assert "no destination" in done.output
