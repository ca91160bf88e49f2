"""``exporter positions``, as a real process beside a reader."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from warm_command import warm_command

from exporter.queues.journal.queue import open_journal
from exporter.queues.port import Batch, Outgoing

HOLD = Path(__file__).parents[1] / "queues" / "journal" / "journal_process.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exporter.yaml").write_text(
        "queue: {kind: journal, path: queue.db}\n"
        "destinations: [{name: partner, endpoint: 'http://127.0.0.1:9/'}, {name: other, endpoint: 'http://127.0.0.1:9/'}]\n"
    )

    async def prepare() -> None:
        async with open_journal(tmp_path / "queue.db", max_bytes=10**9, groups=(), warn=pytest.fail) as queue:
            await queue.publish([Outgoing(None, b"x:%d" % number) for number in range(10)])
            async with queue.subscribe("exporter.partner", "earliest") as subscription:
                got = await subscription.receive(10)
                assert isinstance(got, Batch)
                for index in (0, 1, 2, 5, 6):
                    subscription.settle(got.messages[index])
            async with queue.subscribe("exporter.removed", "latest"):
                pass

    asyncio.run(prepare())
    return tmp_path


def positions(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*warm_command(), "positions", *arguments, "--config", "exporter.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    done = positions(folder, "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return {place["group"]: place for place in map(json.loads, done.stdout.splitlines())}


@contextmanager
def reader(folder: Path, group: str) -> Iterator[None]:
    """Another process that reads the group."""
    command = [sys.executable, str(HOLD), "hold", str(folder / "queue.db"), group, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "reading\n"
            yield
        finally:
            running.kill()


def test_list_shows_every_group(folder: Path) -> None:
    places = listed(folder)
    partner = places["exporter.partner"]
    assert partner.pop("seen_at").endswith("Z")
    assert partner == {
        "group": "exporter.partner",
        "destination": "partner",
        "lane": "0",
        "settled_to": 3,
        "beyond": 2,
        "lag": 5,
        "reader": False,
    }
    assert places["exporter.removed"]["destination"] is None
    assert places["exporter.removed"]["lag"] == 0
    table = positions(folder, "list").stdout.splitlines()
    assert table[0].split() == ["GROUP", "LANE", "SETTLED", "BEYOND", "LAG", "READ", "LAST", "READ"]
    assert table[1].split()[:6] == ["exporter.partner", "0", "3", "2", "5", "no"]


@pytest.mark.parametrize(
    ("name", "to", "settled_to"),
    [
        ("partner", "earliest", 0),
        ("partner", "latest", 10),
        ("exporter.partner", "8", 7),
        ("partner", "11", 10),
        ("exporter.removed", "earliest", 0),
    ],
)
def test_seek_moves_a_group(folder: Path, name: str, to: str, settled_to: int) -> None:
    done = positions(folder, "seek", name, to, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    moved = json.loads(done.stdout)
    assert moved["clipped"] is None
    assert (moved["settled_to"], moved["beyond"], moved["lag"]) == (settled_to, 0, 10 - settled_to)
    assert listed(folder)[moved["group"]]["settled_to"] == settled_to


def test_seek_beyond_the_end_says_that_it_was_clipped(folder: Path) -> None:
    done = positions(folder, "seek", "partner", "99")
    assert (done.returncode, done.stdout) == (0, "exporter.partner goes on after 10 in lane 0\n")
    assert done.stderr == "note: 99 is beyond the end of lane 0: it goes on with the next event there, 11\n"
    done = positions(folder, "seek", "partner", "99", "--json")
    assert (json.loads(done.stdout)["settled_to"], json.loads(done.stdout)["clipped"]) == (10, "beyond_end")


def test_seek_to_what_is_gone_says_so(folder: Path) -> None:
    connection = apsw.Connection(str(folder / "queue.db"))
    connection.execute("DELETE FROM block_0 WHERE position <= 3")
    connection.close()
    done = positions(folder, "seek", "partner", "2")
    assert (done.returncode, done.stdout) == (0, "exporter.partner goes on after 3 in lane 0\n")
    assert done.stderr == "note: 2 is gone: in lane 0 all before 4 was deleted, so it goes on with 4\n"
    moved = json.loads(positions(folder, "seek", "partner", "0", "--json").stdout)
    assert (moved["settled_to"], moved["lag"], moved["clipped"]) == (3, 7, "gone")
    assert positions(folder, "seek", "partner", "4").stderr == ""


def test_drop_forgets_a_group(folder: Path) -> None:
    done = positions(folder, "drop", "exporter.removed", "--json")
    assert json.loads(done.stdout) == {"dropped": "exporter.removed"}
    assert positions(folder, "drop", "partner").stdout == "exporter.partner is forgotten\n"
    assert listed(folder) == {}
    done = positions(folder, "list")
    assert (done.stdout, done.stderr) == ("", "no group has read this queue yet\n")


def test_a_group_that_is_read_is_left_alone(folder: Path) -> None:
    with reader(folder, "exporter.partner"):
        assert listed(folder)["exporter.partner"]["reader"] is True
        for arguments in (("seek", "partner", "earliest"), ("drop", "partner")):
            done = positions(folder, *arguments)
            assert (done.returncode, done.stdout) == (1, "")
            assert "a daemon reads group exporter.partner" in done.stderr
        assert listed(folder)["exporter.partner"]["settled_to"] == 3
    assert positions(folder, "seek", "partner", "latest").returncode == 0


def test_a_destination_that_has_no_group_yet_is_a_failure(folder: Path) -> None:
    done = positions(folder, "seek", "other", "earliest")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no group exporter.other" in done.stderr


@pytest.mark.parametrize("words", [("seek", "partmer", "earliest"), ("drop", "partmer")])
def test_an_unknown_name_is_a_wrong_call(folder: Path, words: tuple[str, ...]) -> None:
    done = positions(folder, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no destination or group is called 'partmer'" in done.stderr
    assert "; did you mean partner?" in done.stderr


@pytest.mark.parametrize("to", ["yesterday", "1.5", "²", ""])
def test_a_target_that_is_none_is_a_wrong_call(folder: Path, to: str) -> None:
    done = positions(folder, "seek", "partner", to)
    assert done.returncode == 2
    assert "neither earliest nor latest nor a position" in done.stderr
