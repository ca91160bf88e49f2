"""A relative path is relative to the file that it stands in, whatever the current folder is."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pydantic import BaseModel

from exporter.queues.journal.tables import SCHEMA as JOURNAL
from exporter.sections.paths import Written, absolute, located
from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems
from exporter.settings.tree import Settings
from exporter.state.sqlite.schema import SCHEMA as STATE


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(file: Path, text: str = "x") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def older(file: Path, version: int | None = None) -> Path:
    """A database as the last exporter made it whose paths began at the current folder, or of another ``version``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    schema, last = (JOURNAL, 2) if "queue" in file.name else (STATE, 3)
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA application_id = {schema.application_id}")
        database.execute(f"PRAGMA user_version = {last if version is None else version}")
        database.execute("CREATE TABLE IF NOT EXISTS t (x)")
    return file


def settings(file: Path, **environ: str) -> Settings:
    found = load(file, environ)
    assert isinstance(found, Loaded), found.render()
    return found.settings


def ca_file_of(section: BaseModel) -> object:
    return getattr(getattr(section, "tls", None), "ca_file", None)


def places(found: Settings) -> tuple[object, object]:
    return getattr(found.queue, "path", None), getattr(found.state, "path", None)


@pytest.mark.parametrize("text", ["{}", "queue: {max_bytes: 1GiB}\nstate: {kind: sqlite}", "queue: {kind: journal}"])
def test_the_databases_are_beside_the_folder_of_the_configuration(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "config/exporter.yaml", text)
    assert places(settings(file)) == (tmp_path / "data/queue.db", tmp_path / "data/state.db")
    redirected = settings(file, EXPORTER__QUEUE__KIND="memory", EXPORTER__STATE__PATH="here.db")
    assert places(redirected) == (None, Path("here.db"))


def test_the_default_place_is_where_it_was_for_the_default_configuration(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/config/exporter.yaml", "{}")
    assert places(settings(Path("config/exporter.yaml"))) == (Path("data/queue.db"), Path("data/state.db"))
    write(tmp_path / "elsewhere/exporter.yaml", "{}")
    assert places(settings(Path("exporter.yaml"))) == (Path("../data/queue.db"), Path("../data/state.db"))


def test_every_path_goes_by_the_file_that_it_stands_in(tmp_path: Path) -> None:
    write(tmp_path / "config/ca.pem")
    write(tmp_path / "config/more/ca.pem")
    write(tmp_path / "config/secrets/token", "t0ken")
    write(tmp_path / "config/secrets/ca-path", "authority.pem")
    write(tmp_path / "config/secrets/authority.pem")
    write(tmp_path / "lists/segments.yaml", "- {id: a, name: !file name}")
    write(tmp_path / "lists/name", "A")
    write(
        tmp_path / "config/more/b.yaml",
        "{name: b, endpoint: 'https://b.example/', tls: {ca_file: ca.pem}, auth: {kind: oauth2_client_credentials, "
        "token_url: 'https://b.example/t', client_id: b, client_secret: !file ../secrets/token, "
        "tls: {ca_file: '../${CA}'}}}",
    )
    file = write(
        tmp_path / "config/exporter.yaml",
        "queue: {kind: kafka, tls: {ca_file: ca.pem}}\nstate: {path: state.db}\n"
        "segments_file: ../lists/segments.yaml\ndestinations_dir: more\ndestinations:\n"
        "  - {name: a, endpoint: 'https://a.example/', tls: {ca_file: !file secrets/ca-path}}\n",
    )
    found = settings(file, CA="ca.pem")
    config = tmp_path / "config"
    assert ca_file_of(found.queue) == config / "ca.pem"
    assert getattr(found.state, "path", None) == config / "state.db"
    assert (found.segments_file, found.destinations_dir) == (tmp_path / "lists/segments.yaml", config / "more")
    assert found.segments[0].name == "A"
    first, second = found.destinations
    assert first.tls.ca_file == config / "secrets/authority.pem"
    assert second.tls.ca_file == config / "more/ca.pem"
    assert ca_file_of(second.auth) == config / "ca.pem"


def test_what_overrides_begins_at_the_current_folder(tmp_path: Path, elsewhere: Path) -> None:
    write(elsewhere / "more/c.yaml", "{name: c, endpoint: 'https://c.example/'}")
    write(elsewhere / "segments.json", '[{"id": "s"}]')
    file = write(tmp_path / "config/exporter.yaml", "destinations_dir: nowhere\nsegments_file: nowhere\n")
    found = settings(
        file,
        EXPORTER__QUEUE__PATH="q.db",
        EXPORTER__DESTINATIONS_DIR="more",
        EXPORTER__SEGMENTS_FILE="segments.json",
    )
    assert places(found) == (Path("q.db"), tmp_path / "data/state.db")
    assert [destination.name for destination in found.destinations] == ["c"]
    assert [segment.id for segment in found.segments] == ["s"]


def test_links_are_not_resolved(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap, and as a release is switched by a link."""
    file = write(tmp_path / "releases/5/etc/exporter.yaml", "state: {path: state.db}")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/exporter").symlink_to(file.parent)
    (tmp_path / "etc/one.yaml").symlink_to(file)
    assert places(settings(tmp_path / "etc/exporter/exporter.yaml")) == (
        tmp_path / "etc/data/queue.db",
        tmp_path / "etc/exporter/state.db",
    )
    assert places(settings(tmp_path / "etc/one.yaml")) == (tmp_path / "data/queue.db", tmp_path / "etc/state.db")


@pytest.mark.parametrize(
    ("folder", "text", "place"),
    [
        ("/etc/exporter", "../data/q.db", "/etc/data/q.db"),
        ("/etc", "../../data/q.db", "/data/q.db"),
        ("config", "../../data/q.db", "../data/q.db"),
        (".", "../q.db", "../q.db"),
        ("../config", "../q.db", "../q.db"),
        ("..", "../q.db", "../../q.db"),
        ("/a", "link/../q.db", "/a/link/../q.db"),
        ("/a", "/q.db", "/q.db"),
        ("/a", "./~/q.db", "/a/~/q.db"),
        ("/a", "", "/a"),
    ],
)
def test_dots_at_the_beginning_take_away_the_names_of_folders(folder: str, text: str, place: str) -> None:
    assert located(Written.of(text, Path(folder))) == Path(place)


def test_a_place_in_full_for_people(tmp_path: Path) -> None:
    assert absolute(Path("../q.db")) == tmp_path / "q.db"
    assert absolute(Path("~q.db")) == tmp_path / "elsewhere/~q.db"
    assert absolute(Path("/q.db")) == Path("/q.db")


def problems(file: Path, **environ: str) -> list[tuple[int | None, str]]:
    found = load(file, environ)
    assert isinstance(found, Problems), places(found.settings)
    assert all("no longer at the current folder" in problem.reason for problem in found.problems)
    return [(problem.line, problem.path) for problem in found.problems]


@pytest.mark.parametrize("text", ["{}", "drain: 1\nqueue: {max_bytes: 1GiB}\n"])
def test_a_database_of_an_older_exporter_at_the_old_default_is_not_passed_over(
    tmp_path: Path, elsewhere: Path, text: str
) -> None:
    file = write(tmp_path / "config/exporter.yaml", text)
    settings(file)
    older(elsewhere / "data/queue.db")
    older(elsewhere / "data/state.db")
    assert {path for _, path in problems(file)} == {"queue.path", "state.path"}
    write(tmp_path / "data/queue.db")
    assert {path for _, path in problems(file)} == {"state.path"}
    write(tmp_path / "data/state.db")
    settings(file)


def test_a_database_of_an_older_exporter_where_the_same_text_led_is_not_passed_over(
    tmp_path: Path, elsewhere: Path
) -> None:
    file = write(tmp_path / "config/exporter.yaml", "state:\n  path: stores/s.db\nqueue: {kind: memory}\n")
    older(elsewhere / "data/state.db")  # of another configuration: this one never said so
    older(elsewhere / "data/queue.db")
    settings(file)
    older(elsewhere / "stores/s.db")
    assert problems(file) == [(2, "state.path")]
    assert places(settings(file, EXPORTER__STATE__PATH="stores/s.db"))[1] == Path("stores/s.db")


@pytest.mark.parametrize(
    ("config", "text", "old"),
    [
        ("config/exporter.yaml", "queue: {path: data/queue.db}\n", "data/queue.db"),
        ("exporter.yaml", "{}", "data/queue.db"),
    ],
)
def test_a_database_of_an_older_exporter_is_found_from_any_folder(
    tmp_path: Path, config: str, text: str, old: str
) -> None:
    file = write(tmp_path / "project" / config, text)
    settings(file)
    older(tmp_path / "project" / old)
    assert [path for _, path in problems(file)] == ["queue.path"]


def test_a_current_folder_that_is_gone_holds_nothing_up(tmp_path: Path, elsewhere: Path) -> None:
    file = write(tmp_path / "config/exporter.yaml", "{}")
    elsewhere.rmdir()
    assert places(settings(file)) == (tmp_path / "data/queue.db", tmp_path / "data/state.db")


def test_a_database_that_an_exporter_of_today_has_opened_is_a_neighbours(tmp_path: Path) -> None:
    file = write(tmp_path / "one/plain/exporter.yaml", "queue: {path: data/queue.db}\nstate: {path: data/state.db}\n")
    versions = {"queue": len(JOURNAL.migrations), "state": len(STATE.migrations)}
    found = [older(tmp_path / f"one/data/{name}.db") for name in versions]
    assert {path for _, path in problems(file)} == {"queue.path", "state.path"}
    new = file.parent / "data/queue.db", file.parent / "data/state.db"
    with ExitStack() as open_files:
        for database, version in zip(found, versions.values(), strict=True):
            opened = open_files.enter_context(closing(sqlite3.connect(database)))
            opened.execute("PRAGMA journal_mode = wal")
            opened.execute(f"PRAGMA user_version = {version}")
        assert places(settings(file)) == new  # only the logs have the versions
    assert places(settings(file)) == new
    assert {each.name for each in found[0].parent.iterdir()} == {"queue.db", "state.db"}


@pytest.mark.parametrize("file", ["config", "config/broken.yaml", "config/missing.yaml"])
def test_no_database_is_to_be_moved_for_a_file_that_cannot_be_read(tmp_path: Path, file: str) -> None:
    write(tmp_path / "config/broken.yaml", "queue: [")
    older(tmp_path / "elsewhere/data/queue.db")
    found = load(tmp_path / file, {})
    assert isinstance(found, Problems)
    [problem] = found.problems
    assert "mv" not in problem.reason


def test_there_is_nothing_to_say_where_both_places_are_the_same(elsewhere: Path) -> None:
    older(elsewhere / "data/queue.db")
    write(elsewhere / "config/exporter.yaml", "state: {path: /nowhere/state.db}")
    settings(Path("config/exporter.yaml"))
    settings(elsewhere / "config/exporter.yaml")
