"""``exporter init``: what it writes runs as it is, is the repository's reference, and never takes a file's place."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from warm_command import warm_command

from exporter.cli.init.command import template

CONFIG = Path(__file__).parents[2] / "config"
COMMAND = (sys.executable, "-m", "exporter")
EVENT = '{"id": "e-1", "profileId": "p-1", "changes": {"backfill": true}, "profile": {}}\n'


def exporter(folder: Path, *words: str, file_size: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command in ``folder``, with no configuration of another test's in its environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER_")}

    def limit() -> None:
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    command = warm_command() if file_size is None else COMMAND
    return subprocess.run(
        [*command, *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, preexec_fn=limit
    )


@pytest.mark.parametrize("name", ["exporter.yaml", "source.yaml"])
def test_the_package_has_the_repositorys_reference(name: str) -> None:
    """One text in two places: an installation brings it along, and readers of the repository look for it there."""
    assert template(name) == (CONFIG / name).read_text(encoding="utf-8")


def test_the_way_in_is_ready_after_it(tmp_path: Path) -> None:
    done = exporter(tmp_path, "init", "--source")
    assert (done.returncode, done.stdout) == (0, "config/source.yaml written\n"), done.stderr
    [setting] = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("  export ")]
    assert setting == "EXPORTER_CONFIG=config/source.yaml"
    assert "exporter serve" in done.stderr
    (tmp_path / "records.jsonl").write_text('{"id": "k-1", "name": "Ada Byron", "email": "ada@example.com"}\n')
    config = ("--config", "config/source.yaml")
    assert "1 source, 1 flow" in exporter(tmp_path, "check", *config).stdout
    seen = exporter(tmp_path, "source", "preview", "people", "records.jsonl", *config)
    assert (seen.returncode, "Ada" in seen.stdout) == (0, True), seen.stderr
    assert exporter(tmp_path, "init").returncode == 0


def test_an_empty_folder_is_ready_after_it(tmp_path: Path) -> None:
    done = exporter(tmp_path, "init")
    assert (done.returncode, done.stdout) == (0, "config/exporter.yaml written\n"), done.stderr
    assert sorted(file for file in tmp_path.rglob("*") if file.is_file()) == [
        tmp_path / "config/exporter.yaml",
        tmp_path / "config/schema/exporter.json",
    ]
    assert json.loads((tmp_path / "config/schema/exporter.json").read_text(encoding="utf-8"))["title"]
    (tmp_path / "events.jsonl").write_text(EVENT, encoding="utf-8")
    for words, said in (
        (("check",), "destinations 1 enabled"),
        (("preview", "events.jsonl"), "e-1"),
        (("send", "events.jsonl"), "1 event queued"),
    ):
        done = exporter(tmp_path, *words)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert (tmp_path / "data/queue.db").is_file()


def test_what_comes_next_is_said_and_works(tmp_path: Path) -> None:
    done = exporter(tmp_path, "init", "a new/folder")
    assert (done.returncode, done.stdout) == (0, "a new/folder/config/exporter.yaml written\n"), done.stderr
    first, change, *steps, last = done.stderr.splitlines()
    assert first == "Next: edit `destinations` in it, and then"
    assert change == "  cd 'a new/folder'"
    assert [step.split()[:2] for step in steps] == [["exporter", word] for word in ("check", "receive", "run", "send")]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    [option, file] = last.removeprefix("From other folders: ").partition(", or ")[0].split(maxsplit=1)
    shown = exporter(elsewhere, "check", "--json", option, file.strip("'"))
    assert [each["name"] for each in json.loads(shown.stdout)["destinations"]] == ["local"]


def test_a_configuration_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    assert exporter(tmp_path, "init").returncode == 0
    file = tmp_path / "config/exporter.yaml"
    file.write_text("destinations: []\n", encoding="utf-8")
    done = exporter(tmp_path, "init")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: config/exporter.yaml is there already, and is left as it is: nothing was written\n"
    assert file.read_text(encoding="utf-8") == "destinations: []\n"


def test_a_link_that_leads_nowhere_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/exporter.yaml").symlink_to(tmp_path / "secret")
    assert exporter(tmp_path, "init").returncode == 1
    assert not (tmp_path / "secret").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = exporter(tmp_path, "init", "file")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: file/config/exporter.yaml cannot be written: Not a directory\n"
    (tmp_path / "config").touch()
    assert exporter(tmp_path, "init").stderr == "error: config is no folder\n"


def test_half_a_configuration_is_not_left_behind(tmp_path: Path) -> None:
    done = exporter(tmp_path, "init", file_size=1000)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: config/exporter.yaml cannot be written: File too large\n"
    assert [*tmp_path.rglob("*")] == [tmp_path / "config"]


@pytest.mark.parametrize("name", ["line\nbreak", "red \x1b[31m"])
def test_a_name_that_would_move_the_cursor_does_not(name: str, tmp_path: Path) -> None:
    done = exporter(tmp_path, "init", name)
    assert done.returncode == 0
    assert (tmp_path / name / "config/exporter.yaml").is_file()
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout.count("\n") == 1


def test_a_schema_of_somebody_else_is_left_as_it_is_and_nothing_is_written(tmp_path: Path) -> None:
    schema = tmp_path / "config/schema/exporter.json"
    schema.parent.mkdir(parents=True)
    schema.write_text("{}\n", encoding="utf-8")
    done = exporter(tmp_path, "init")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: config/schema/exporter.json is there already, and is left as it is: nothing was written\n"
    )
    assert schema.read_text(encoding="utf-8") == "{}\n"
    assert not (tmp_path / "config/exporter.yaml").exists()


def test_its_own_schema_is_in_nobodys_way(tmp_path: Path) -> None:
    assert exporter(tmp_path, "init").returncode == 0
    (tmp_path / "config/exporter.yaml").unlink()
    assert exporter(tmp_path, "init").returncode == 0
    assert (tmp_path / "config/exporter.yaml").is_file()
