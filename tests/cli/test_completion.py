"""What a shell is told that completes a command: names of destinations, quickly, and never an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
destinations_dir: more
destinations:
  - {name: crm, endpoint: "http://127.0.0.1:1/", auth: {kind: bearer, token: !file absent}}
  - {name: crm-two, endpoint: "${NOWHERE}"}
"""
#: As the script is that is installed, by whose name the shell asks.
_COMMAND = "import sys; sys.argv[0] = 'exporter'; from exporter.cli.app import main\n"
_LOADED = "try: main()\nfinally: print(*sys.modules, file=sys.stderr)"


def completed(folder: Path, words: str, then: str = "main()") -> tuple[list[str], str]:
    """The suggestions for the last word, as bash asks for them, and what stood on stderr."""
    environ = {
        **os.environ,
        "_EXPORTER_COMPLETE": "complete_bash",
        "COMP_WORDS": f"exporter {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND + then],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mail.yaml").write_text("name: mail\nendpoint: http://127.0.0.1:1/\n")
    (tmp_path / "exporter.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("status --config exporter.yaml --destination ", ["crm", "crm-two", "mail"]),
        ("pause --config exporter.yaml cr", ["crm", "crm-two"]),
        ("deadletters list --config exporter.yaml -d m", ["mail"]),
        ("positions seek --config exporter.yaml ma", ["mail"]),
        ("backfill --config exporter.yaml x", []),
        ("send --config exporter.yaml --to mai", ["mail"]),
    ],
)
def test_destinations_of_the_configuration_are_completed(folder: Path, words: str, expected: list[str]) -> None:
    assert completed(folder, words) == (expected, "")


@pytest.mark.parametrize("text", [None, "destinations: [\n", "[]", "destinations: 5", "destinations: [5, {name: [7]}]"])
def test_what_is_wrong_with_it_is_no_business_of_a_shell(folder: Path, text: str | None) -> None:
    file = folder / "exporter.yaml"
    file.unlink() if text is None else file.write_text(text)
    assert completed(folder, "status --config exporter.yaml --destination ") == ([], "")


def test_the_begin_of_a_command_is_completed(folder: Path) -> None:
    assert completed(folder, "po") == (["positions"], "")


def test_no_more_is_imported_than_the_command_that_is_completed(folder: Path) -> None:
    names, loaded = completed(folder, "status --config exporter.yaml --destination c", _LOADED)
    assert names == ["crm", "crm-two"]
    assert not set(loaded.split()) & {"exporter.settings.tree", "exporter.cli.send.command", "rich"}
