"""A journal where older exporters had it: every command refuses and names both places; the way out works as printed."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from warm_command import warm_command

EVENT = '{"profileId": "p", "profile": {}}'

COMMANDS = [
    ["check"],
    ["run"],
    ["send", "-"],
    ["preview", "-"],
    ["status"],
    ["positions", "list"],
    ["deadletters", "list"],
]


def exporter(
    folder: Path, *arguments: str, config: Path | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}
    option = [] if config is None else ["--config", str(config)]
    command = [*warm_command(), *arguments, *option]
    return subprocess.run(command, cwd=folder, env=environ, input=given, capture_output=True, text=True, timeout=60)


def events_in(journal: Path) -> int:
    with closing(sqlite3.connect(journal)) as database:
        [count] = database.execute("SELECT count(*) FROM events").fetchone()
    return int(count)


class Old:
    """A folder from which an older exporter ran, with its journal, and a configuration in another folder."""

    def __init__(self, folder: Path, section: str) -> None:
        self.folder = folder / "it's old"
        self.config = folder / "new place/config/exporter.yaml"
        self.old = self.folder / "data/queue.db"
        self.new = self.config.parent / "data/queue.db" if "data/" in section else folder / "new place/data/queue.db"
        (self.folder / "config").mkdir(parents=True)
        (self.folder / "config/exporter.yaml").write_text("{}")
        sent = exporter(self.folder, "send", "-", config=Path("config/exporter.yaml"), given=EVENT)
        assert sent.stderr == f"note: there was no queue yet, it is made at {self.old}\n"
        with closing(sqlite3.connect(self.old)) as database:  # the tables of the last exporter with that rule
            database.executescript(
                "DROP TABLE producers; DROP VIEW events; DROP TABLE blocks; ALTER TABLE block_0 RENAME TO events;"
                "PRAGMA user_version = 2"
            )
        self.config.parent.mkdir(parents=True)
        self.config.write_text(section)

    def refusal(self) -> str:
        done = exporter(self.folder, "check", config=self.config)
        assert done.returncode == 78
        return done.stderr

    def send(self) -> str:
        """Send another event, and return what was said on stderr."""
        sent = exporter(self.folder, "send", "-", "--json", config=self.config, given=EVENT)
        assert json.loads(sent.stdout) == {"queued": 1}
        return sent.stderr


@pytest.fixture(params=["{}", "queue:\n  retain: 1d\n", "queue: {path: data/queue.db}\n"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Old:
    return Old(tmp_path, request.param)


def test_every_command_refuses_and_makes_nothing(tmp_path: Path) -> None:
    old = Old(tmp_path, "{}")
    for command in COMMANDS:
        done = exporter(old.folder, *command, config=old.config)
        assert (done.returncode, done.stdout) == (78, ""), command
        assert str(old.old) in done.stderr, command
        assert str(old.new) in done.stderr, command
        assert "queue.path: " in done.stderr, command
    assert not old.new.parent.exists()


def test_the_journal_may_be_moved(old: Old, tmp_path: Path) -> None:
    [command] = re.findall(r"run `(.*?)`", old.refusal())
    subprocess.run(["sh", "-euc", command], check=True, cwd="/")
    assert not list(old.old.parent.iterdir())
    assert old.send() == ""
    assert events_in(old.new) == 2


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("old", ["{}", "queue: {path: data/queue.db}\n"], indirect=True)
def test_the_old_place_or_the_new_one_may_be_written_in_full(old: Old, which: int) -> None:
    line = re.findall(r"write `(.*?)`", old.refusal())[which]
    text = old.config.read_text()
    if "{path" in text:
        text = "queue:\n  " + line + "\n"
    else:
        text = f"{text}  {line}\n" if line.startswith("path: ") else line + "\n"
    old.config.write_text(text)
    said = old.send()
    assert ("made at" in said) == (which == 1)
    assert events_in((old.old, old.new)[which]) == 2 - which


def test_the_daemon_says_where_it_makes_databases(tmp_path: Path) -> None:
    config = tmp_path / "config/exporter.yaml"
    config.parent.mkdir()
    config.write_text("ops: {port: 0}\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}
    command = [sys.executable, "-m", "exporter", "run", "--config", str(config)]
    for expected in (2, 0):
        with subprocess.Popen(command, cwd="/", env=environ, stderr=subprocess.PIPE, text=True) as daemon:
            assert daemon.stderr is not None
            lines = []
            for line in daemon.stderr:
                lines.append(json.loads(line))
                if lines[-1]["event"] == "ready":
                    daemon.terminate()
            assert daemon.wait(60) == 0
        made = [(line["what"], line["path"]) for line in lines if line["event"] == "new database"]
        assert made == [(name, str(tmp_path / f"data/{name}.db")) for name in ("state", "queue")][:expected]


def test_a_new_project_below_another_is_nobodys_successor(tmp_path: Path) -> None:
    """The path that ``init`` writes was nobody's before, though from here it leads to the other project's journal."""
    for folder in (tmp_path, tmp_path / "second"):
        made = exporter(tmp_path, "init", str(folder))
        assert made.returncode == 0, made.stderr
        assert exporter(folder, "send", "-", config=Path("config/exporter.yaml"), given=EVENT).returncode == 0
    assert exporter(tmp_path / "second", "check", config=Path("config/exporter.yaml")).returncode == 0
    assert [events_in(folder / "data/queue.db") for folder in (tmp_path, tmp_path / "second")] == [1, 1]


def test_a_configuration_beside_one_that_runs_is_nobodys_successor(tmp_path: Path) -> None:
    config = tmp_path / "one/config/exporter.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("ops: {port: 0}\n")
    beside = tmp_path / "one/plain/exporter.yaml"
    beside.parent.mkdir()
    beside.write_text("queue: {path: data/queue.db}\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}
    command = [sys.executable, "-m", "exporter", "run", "--config", str(config)]
    with subprocess.Popen(command, cwd="/", env=environ, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stderr is not None
            assert any(json.loads(line)["event"] == "ready" for line in daemon.stderr)
            for folder in (tmp_path, tmp_path / "one"):
                done = exporter(folder, "check", config=beside)
                assert (done.returncode, "queue.db" in done.stderr) == (0, False), done.stderr
        finally:
            daemon.terminate()
            daemon.communicate(timeout=60)


def test_an_old_journal_beside_a_new_one_is_told_of(tmp_path: Path) -> None:
    old = Old(tmp_path, "queue: {path: data/queue.db}\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert exporter(elsewhere, "send", "-", config=old.config, given=EVENT).returncode == 0
    done = exporter(old.folder, "check", config=old.config)
    assert done.returncode == 0
    assert f"{old.new} is used, and nothing reads the older database at {old.old}" in done.stderr
