"""The socket for the commands on this machine: its mode, whom it replaces, and what is left of it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from exporter.cli.shared.daemon_port import NoDaemon, get_json
from exporter.daemon.ops import local_socket
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, Health


class _Desk:
    """A desk that is known by when its process ``started``, with its log."""

    def __init__(self, started: float) -> None:
        self._log = io.StringIO()
        self.desk = Desk(
            Metrics(),
            lambda: Health(True),
            lambda: document(started, ConfigStatus(), ()),
            configure(self._log, False),
        )

    def warned(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def appears(path: Path) -> None:
    async with asyncio.timeout(30):
        while not names(path.parent):  # noqa: ASYNC110 (another task, of which nobody tells)
            await asyncio.sleep(0.02)


async def started(path: Path) -> float:
    answer = await asyncio.to_thread(get_json, path, "/status")
    return float(answer["started_at"])


async def test_only_its_owner_may_open_it_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    path, one = tmp_path / "s", _Desk(1.0)
    before = os.umask(0)
    try:
        async with serve_locally([path], one.desk):
            mode = path.lstat().st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o600
            assert await started(path) == 1.0
    finally:
        os.umask(before)
    assert names(tmp_path) == []
    with pytest.raises(NoDaemon, match="No such file"):
        await started(path)
    assert one.warned() == []


async def test_it_answers_all_that_the_port_does(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with serve_locally([path], _Desk(1.0).desk):
        assert await asyncio.to_thread(get_json, path, "/live") == {"live": True}
        assert await asyncio.to_thread(get_json, path, "/ready") == {"ready": True, "reasons": []}
        with pytest.raises(NoDaemon, match="answers 404"):
            await asyncio.to_thread(get_json, path, "/else")


async def test_one_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    assert path.is_socket()
    two = _Desk(2.0)
    async with serve_locally([path], two.desk):
        assert await started(path) == 2.0
    assert two.warned() == []
    assert not path.exists()


async def test_one_of_a_living_process_is_left_alone_and_taken_over_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "TRY_SECONDS", 0.05)
    path, one, two = tmp_path / "s", _Desk(1.0), _Desk(2.0)
    async with serve_locally([path], one.desk):
        second = serve_locally([path], two.desk)
        await second.__aenter__()
        await asyncio.sleep(0.3)
        assert await started(path) == 1.0
    [line] = two.warned()
    assert (line["level"], line["event"], line["path"]) == ("warning", "no socket", str(path))
    assert line["detail"] == "another process serves it"
    await appears(path)
    assert await started(path) == 2.0
    await second.__aexit__(None, None, None)
    assert not path.exists()


async def test_while_another_process_has_the_first_place_it_is_at_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "TRY_SECONDS", 0.05)
    (folder := tmp_path / "first").mkdir()
    path, own, one, two = folder / "s", tmp_path / "own", _Desk(1.0), _Desk(2.0)
    async with serve_locally([path], one.desk):
        second = serve_locally([path, own], two.desk)
        await second.__aenter__()
        await asyncio.sleep(0.3)
        assert (await started(path), await started(own)) == (1.0, 2.0)
    [line] = two.warned()
    assert (line["path"], line["detail"], line["instead"]) == (str(path), "another process serves it", str(own))
    await appears(path)
    assert await started(path) == 2.0
    assert not own.exists(), "it has moved"
    await second.__aexit__(None, None, None)
    assert names(folder) == []


async def test_one_that_somebody_cleaned_away_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_socket, "TRY_SECONDS", 0.05)
    path = tmp_path / "s"
    async with serve_locally([path], _Desk(1.0).desk):
        path.unlink()
        await appears(path)
        assert await started(path) == 1.0


async def test_the_end_takes_nothing_of_another_process_away(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with serve_locally([path], _Desk(1.0).desk):
        path.unlink()
        path.write_text("mine")
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("x" * 200, "AF_UNIX path too long"),
        ("missing/s", "No such file or directory"),
        ("taken", "something else has this name, and it is left alone"),
    ],
)
async def test_that_it_cannot_be_only_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    monkeypatch.setattr(local_socket, "FIRST_TRY_SECONDS", 0.05)
    (tmp_path / "taken").write_text("mine")
    one = _Desk(1.0)
    async with serve_locally([tmp_path / name], one.desk), asyncio.timeout(30):
        while not one.warned():  # noqa: ASYNC110 (another task, of which nobody tells)
            await asyncio.sleep(0.02)
    assert [line["detail"] for line in one.warned()] == [why]
    assert names(tmp_path) == ["taken"]


async def test_without_a_path_there_is_none(tmp_path: Path) -> None:
    async with serve_locally((), _Desk(1.0).desk):
        assert names(tmp_path) == []


async def test_the_folder_of_a_state_that_is_about_to_be_made_is_waited_for_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "FIRST_TRY_SECONDS", 0.05)
    path, one = tmp_path / "data/s", _Desk(1.0)
    async with serve_locally([path], one.desk):
        path.parent.mkdir()
        await appears(path)
        assert await started(path) == 1.0
    assert one.warned() == []
