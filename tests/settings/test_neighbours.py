"""Two configurations whose paths lead to one state, without a word about it in either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.neighbours import remember

OWN_STATE = "state: {kind: sqlite, path: own.db}\n"


def write(file: Path, text: str = "{}\n") -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def loaded(file: Path, **environ: str) -> Loaded:
    found = load(file, environ)
    assert isinstance(found, Loaded), found
    return found


def run(file: Path, **environ: str) -> None:
    """What a daemon notes of itself."""
    found = loaded(file, **environ)
    found.settings.state.path.parent.mkdir(exist_ok=True)  # type: ignore[union-attr]
    remember(found.settings, found.files)


def others(file: Path, **environ: str) -> list[str]:
    """The notes on other configurations."""
    return [note for note in loaded(file, **environ).notes if note.startswith("state: ")]


@pytest.mark.parametrize("place", ["a/two.yaml", "b/one.yaml"])
def test_each_is_told_of_the_other(tmp_path: Path, place: str) -> None:
    one, two = write(tmp_path / "a/one.yaml"), write(tmp_path / place)
    run(one)
    assert others(one) == []
    [note] = others(two)  # before it is run for the first time
    assert note.startswith(f"state: {one} has the same state ({tmp_path}/data/state.db) and queue ({tmp_path}/data/")
    run(two)
    [note] = others(one)
    assert str(two) in note
    run(one)
    assert len(others(one)) == len(others(two)) == 1


def test_what_has_paths_of_its_own_is_no_neighbour_any_more(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a/one.yaml"), write(tmp_path / "a/two.yaml")
    run(one)
    run(two)
    write(two, OWN_STATE)
    assert others(one) == others(two) == []
    write(two, "queue: {kind: journal, path: own.db}\nstate: {path: ../data/state.db, kind: sqlite}\n")
    [note] = others(one)
    assert "queue" not in note
    two.unlink()
    assert others(one) == []


def test_a_broken_neighbour_is_known_as_long_as_its_state_is(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a/one.yaml"), write(tmp_path / "a/two.yaml")
    run(two)
    write(two, "drain: soon\n")
    assert len(others(one)) == 1
    write(two, "state: 7\n")
    assert others(one) == []


def test_the_same_file_by_another_name_is_the_same(tmp_path: Path) -> None:
    one, link = write(tmp_path / "a/one.yaml"), tmp_path / "a/link.yaml"
    run(one)
    link.symlink_to(one)
    assert others(link) == []


def test_what_overrides_our_paths_says_nothing_of_the_neighbour(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a/one.yaml"), write(tmp_path / "a/two.yaml", OWN_STATE)
    run(one)
    place = {"EXPORTER__STATE__PATH": str(tmp_path / "data/state.db")}
    run(two, **place)
    assert len(others(two, **place)) == 1
    assert others(one, **place) == []


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a/one.yaml"), write(tmp_path / "a/two.yaml")
    run(one)
    one.unlink()
    run(two)
    noted = tmp_path / "data/state.db.configurations"
    assert noted.read_text() == f"{two}\n"
    assert noted.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_daemon_notes_what_it_runs_and_check_tells_of_it(tmp_path: Path, command: str) -> None:
    text = "ops: {port: 0}\nserve: {port: 0, api: {port: 0}, ops: {port: 0}}\n"
    one, two = write(tmp_path / "a/one.yaml", text), write(tmp_path / "a/two.yaml", text)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}
    exporter = [sys.executable, "-m", "exporter"]
    daemon_command = [*exporter, command, "--config", str(one), "--log-format", "json"]
    with subprocess.Popen(daemon_command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        for line in daemon.stderr:
            if json.loads(line)["event"] == "ready":
                daemon.terminate()
        assert daemon.wait(60) == 0
    check = [*exporter, "check", "--config", str(two)]
    done = subprocess.run(check, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert f"note: state: {one} has the same state" in done.stderr
