"""``~`` is the home folder in every path of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.queues.journal.settings import JournalSettings
from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def loaded(file: Path, **environ: str) -> Loaded:
    found = load(file, environ)
    assert isinstance(found, Loaded), found.render()
    return found


def test_it_is_expanded_in_every_path(home: Path, tmp_path: Path) -> None:
    for name in ("ca.pem", "token"):
        (home / name).write_text("x")
    (home / "segments.yaml").write_text("- {id: a}\n")
    (home / "more").mkdir()
    (home / "more" / "b.yaml").write_text(
        "{name: b, endpoint: 'https://b.example/', tls: {client_cert_file: ~/ca.pem}}\n"
    )
    (home / "exporter.yaml").write_text(
        "queue: {path: ~/data/queue.db}\nstate: {path: ~/data/state.db}\n"
        "destinations_dir: ~/more\nsegments_file: ~/segments.yaml\n"
        "destinations:\n"
        "  - {name: a, endpoint: 'https://a.example/', tls: {ca_file: ~/ca.pem}, "
        "auth: {kind: bearer, token: !file ~/token}}\n"
    )
    found = loaded(Path("~/exporter.yaml"))
    settings = found.settings
    assert isinstance(settings.queue, JournalSettings)
    assert isinstance(settings.state, SqliteSettings)
    assert (settings.queue.path, settings.state.path) == (home / "data/queue.db", home / "data/state.db")
    assert (settings.destinations_dir, settings.segments_file) == (home / "more", home / "segments.yaml")
    first, second = settings.destinations
    assert (first.tls.ca_file, second.tls.client_cert_file) == (home / "ca.pem", home / "ca.pem")
    assert found.secret_files == (home / "token",)
    assert set(found.watched) == {home / "token", home / "ca.pem"}
    assert found.files[0] == home / "exporter.yaml"


def test_it_is_expanded_in_what_the_environment_overrides_and_in_a_queue_s_files(home: Path, tmp_path: Path) -> None:
    (home / "ca.pem").write_text("x")
    file = tmp_path / "exporter.yaml"
    file.write_text("queue: {kind: nats, tls: {ca_file: ~/ca.pem}}\n")
    settings = loaded(file, EXPORTER__STATE__PATH="~/s.db").settings
    assert getattr(settings.queue, "tls", None).ca_file == home / "ca.pem"  # type: ignore[union-attr]
    assert getattr(settings.state, "path", None) == home / "s.db"


def test_only_at_the_beginning_and_not_after_a_dot(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("queue: {path: ./~/queue.db}\nstate: {path: data~/state.db}\n")
    settings = loaded(file).settings
    assert getattr(settings.queue, "path", None) == tmp_path / "~/queue.db"
    assert getattr(settings.state, "path", None) == tmp_path / "data~/state.db"


def test_a_home_that_nobody_has_is_a_mistake_and_no_folder_of_that_name(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(
        "queue: {path: ~nobody-of-that-name/queue.db}\nsegments_file: ~nobody-of-that-name/segments.yaml\n"
        "destinations:\n"
        "  - {name: a, endpoint: 'https://a.example/', tls: {ca_file: ~nobody-of-that-name/ca.pem}, "
        "auth: {kind: bearer, token: !file ~nobody-of-that-name/token}}\n"
    )
    found = load(file, {})
    assert isinstance(found, Problems)
    reason = "the home folder that ~nobody-of-that-name stands for is not known"
    assert [(problem.line, problem.path, problem.reason) for problem in found.problems] == [
        (1, "queue.path", reason),
        (2, "segments_file", reason),
        (4, "destinations[0].auth.token", reason),
        (4, "destinations[0].tls.ca_file", reason),
    ]
    nowhere = load(Path("~nobody-of-that-name/exporter.yaml"), {})
    assert isinstance(nowhere, Problems)
    assert [problem.reason for problem in nowhere.problems] == [reason]
