"""Where daemon and commands look for the socket (contract.md#the-command)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems
from exporter.settings.local_socket import is_ours, make_folder, socket_paths
from exporter.settings.tree import Ops, Settings
from exporter.state.redis.settings import RedisStateSettings
from exporter.state.sqlite.settings import SqliteSettings

CONFIG = Path("/etc/exporter/exporter.yaml")


def settings(ops: Ops, state: SqliteSettings | RedisStateSettings) -> Settings:
    return Settings(ops=ops, state=state)


def redis() -> RedisStateSettings:
    return RedisStateSettings.model_validate({"kind": "redis", "url": "redis://127.0.0.1/0"})


def test_beside_the_state_file() -> None:
    state = SqliteSettings(path=Path("/var/lib/exporter/state.db"))
    assert socket_paths(settings(Ops(), state), CONFIG)[0] == Path("/var/lib/exporter/state.db.sock")


def test_where_it_is_configured_or_nowhere() -> None:
    state = SqliteSettings(path=Path("/var/lib/exporter/state.db"))
    assert socket_paths(settings(Ops(socket=Path("/run/e.sock")), state), CONFIG) == (Path("/run/e.sock"),)
    assert socket_paths(settings(Ops(socket=None), state), CONFIG) == ()


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("none", "write null for no socket, or ./none for a file of that name"),
        ("Off", "write null for no socket, or ./Off for a file of that name"),
        ('""', "a path must not be empty; null: no socket"),
    ],
)
def test_what_is_no_path_is_refused(tmp_path: Path, written: str, reason: str) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"ops: {{socket: {written}}}\n")
    found = load(file, {})
    assert isinstance(found, Problems)
    assert [str(problem) for problem in found.problems] == [f"{file}:1: ops.socket: {reason}"]


@pytest.mark.parametrize("long", [False, True])
def test_else_in_the_runtime_folder_by_the_name_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    state = SqliteSettings(path=Path("/var/lib") / ("x" * 90) / "state.db") if long else redis()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found = socket_paths(settings(Ops(), state), CONFIG)
    assert [path.parent for path in found] == [tmp_path]
    monkeypatch.chdir("/etc")
    assert socket_paths(settings(Ops(), state), Path("exporter/../exporter/exporter.yaml")) == found
    assert socket_paths(settings(Ops(), state), Path("/etc/exporter/other.yaml")) != found
    short = socket_paths(settings(Ops(), SqliteSettings(path=Path("/var/lib/state.db"))), CONFIG)
    assert short[1:] == found, "where another daemon has the one beside the state"


def test_else_in_a_folder_of_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    [found] = socket_paths(settings(Ops(), redis()), CONFIG)
    assert found.parent == tmp_path / f"exporter-{os.getuid()}"
    make_folder(found)
    assert found.parent.stat().st_mode & 0o777 == 0o700
    assert not is_ours(found), "nothing is there"
    os.mknod(found, 0o140600)
    assert is_ours(found)
    found.parent.chmod(0o777)
    assert not is_ours(found), "anybody may have put it there"
    with pytest.raises(PermissionError, match="not this user's alone"):
        make_folder(found)


def test_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    for written, expected in (("auto", "auto"), ("/run/e.sock", Path("/run/e.sock")), ("null", None)):
        file.write_text(f"ops: {{socket: {written}, token: secret}}\n")
        loaded = load(file, {})
        assert isinstance(loaded, Loaded)
        assert loaded.settings.ops.socket == expected
        assert "secret" not in repr(loaded.settings)
    over = load(file, {"EXPORTER__OPS__SOCKET": "auto"})
    assert isinstance(over, Loaded)
    assert over.settings.ops.socket == "auto"


def test_a_mistake_is_told_of_once(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("ops:\n  socket: [a]\n  token: ''\n")
    refused = load(file, {})
    assert isinstance(refused, Problems)
    assert [(each.line, each.path) for each in refused.problems] == [(2, "ops.socket"), (3, "ops.token")]
