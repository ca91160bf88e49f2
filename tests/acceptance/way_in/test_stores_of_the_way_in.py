"""Stores that do not fit, are backed up while they run, or find no room: told, held, and nothing skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import apsw
import pytest
from harness import Place
from processes import Daemon, eventually, fetch
from redis_server import needs_redis, running
from serving import Sender, connected, idle, post, serve, way_in


def test_a_backup_goes_back_as_a_whole_or_the_start_is_refused(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        serving = serve(place).ready()
        sender = Sender(place, ["p-1", "p-2"], 100_000)
        sender.start()
        eventually("some are taken", lambda: len(sender.answered) > 20)
        done = place.command("backup", str(tmp_path / "copies"))
        assert done.returncode == 0, done.stderr
        before = len(sender.answered)
        eventually("more are taken", lambda: len(sender.answered) > before + 20)
        sender.stopped.set()
        sender.join()
        eventually("all is applied", lambda: serving.alive() and idle(serving))
        assert serving.terminate() == 0
        again = place.command("backup", str(tmp_path / "copies"))
        assert again.returncode == 1
        assert "cannot be written: File exists" in again.stderr

        kept = tmp_path / "kept"
        kept.mkdir()
        parts = ("state", "queue", "intake", "profiles")
        for part in parts:
            shutil.copy(tmp_path / f"{part}.db", kept)
        for part, words in (("profiles", "this store knows nothing of them"), ("intake", "it ends with record")):
            _put_back(place, tmp_path / "copies", part)
            refused = serve(place)
            assert refused.wait() == 78
            [line] = refused.logs("refused")
            assert words in line["detail"]
            assert "exporter backup" in line["detail"]
            _put_back(place, kept, part)
        for part in parts:
            _put_back(place, tmp_path / "copies", part)
        serving = serve(place).ready()
        with connected(place) as connection:
            assert post(connection, {"id": "p-1", "n": 999, "name": "Ada"})[0] == 200
        eventually("all is applied", lambda: serving.alive() and idle(serving))
        assert serving.terminate() == 0


@pytest.mark.parametrize("kind", ["journal", pytest.param("redis", marks=needs_redis)])
def test_a_backup_that_goes_back_beside_a_newer_queue_loses_nothing(tmp_path: Path, kind: str) -> None:
    """The queue has more of the outbox than the copies know: what is taken now is told all the same, and once."""
    with ExitStack() as stack:
        place = stack.enter_context(Place(tmp_path))
        way_in(place)
        if kind == "redis":
            redis = stack.enter_context(running(tmp_path / "redis"))
            place.config["queue"] = {"kind": "redis", "url": redis.url, "stream": "changes"}
        place.write()
        serving = serve(place).ready()
        names = _all_told(place, serving, range(30))
        assert place.command("backup", str(tmp_path / "copies")).returncode == 0
        names += _all_told(place, serving, range(30, 120))
        assert serving.terminate() == 0
        for part in ("intake", "profiles") if kind == "journal" else ("state", "intake", "profiles"):
            _put_back(place, tmp_path / "copies", part)
        serving = serve(place).ready()
        names += _all_told(place, serving, range(120, 250))
        assert not serving.logs("events left out")
        assert serving.terminate() == 0
        if kind == "redis":
            bodies = redis.cli("XRANGE", "changes", "-", "+", options=["--raw"])
        else:
            with closing(apsw.Connection(place.config["queue"]["path"])) as connection:
                rows = connection.execute("SELECT body FROM events ORDER BY position")
                bodies = "".join(body.decode() for (body,) in rows)
        assert re.findall(r'{"id":"([^"]+)","profileId"', bodies) == names


def _all_told(place: Place, serving: Daemon, states: Iterable[int]) -> list[str]:
    """Send a record for each state, and wait until they are told; their names."""
    names = []
    with connected(place) as connection:
        for state in states:
            status, answer = post(connection, {"id": f"p-{state % 3}", "n": state, "name": "Ada"})
            assert status == 200
            names.append(answer["xactionId"])
    eventually("all is told", lambda: serving.alive() and idle(serving))
    return names


def _put_back(place: Place, copies: Path, part: str) -> None:
    file = place.folder / f"{part}.db"
    for each in place.folder.glob(f"{part}.db-*"):
        each.unlink() if each.is_file() else None
    shutil.copy(copies / file.name, file)


def test_an_intake_made_anew_is_applied_from_its_beginning(tmp_path: Path) -> None:
    """Its positions begin at 1 again, and none of its records is taken for one that was applied."""
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        names = []
        for times in (1, 2):
            serving = serve(place).ready()
            assert [line["what"] for line in serving.logs("new database")] == (
                ["state", "queue", "intake", "profiles"] if times == 1 else ["intake"]
            )
            with connected(place) as connection:
                for number in range(5):
                    status, answer = post(connection, {"id": f"p-{number}", "n": times, "name": "Ada"})
                    assert status == 200
                    names.append(answer["xactionId"])
            _applied(serving, 5)
            assert serving.terminate() == 0
            for file in tmp_path.glob("intake.db*"):
                file.unlink() if file.is_file() else shutil.rmtree(file)
        assert [int(name.partition(":")[0]) for name in names] == sorted(int(name.partition(":")[0]) for name in names)
        [profile] = place.lines("profile", "export")[:1]
        assert profile["fragments"][0]["leaves"]["_acme.state"] == 2


def _applied(serving: Daemon, records: int) -> None:
    """Wait until all is applied, so many records."""
    eventually("all is applied", lambda: serving.alive() and idle(serving))
    assert serving.metric("exporter_source_records_total", "raw", "applied") == records


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of eight megabytes in memory."""
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=False).returncode
    ):
        pytest.skip("only root mounts a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("part", ["intake", "profiles", "state", "queue"])
def test_a_full_disk_holds_and_skips_nothing(tmp_path: Path, part: str) -> None:
    """The disk under one store is full: records are held or refused, and all that was answered is applied later."""
    with small_disk(tmp_path / "small") as disk, Place(tmp_path) as place:
        way_in(place)
        place.config["serve"] |= {"hold": 1}
        place.config[part] |= {"kind": "sqlite" if part in ("profiles", "state") else "journal"}
        place.config[part]["path"] = str(disk / f"{part}.db")
        place.write()
        serving = serve(place).ready()
        with connected(place) as connection:
            assert post(connection, {"id": "first", "n": 1, "name": "Ada"})[0] == 200
            eventually("it is applied", lambda: serving.alive() and idle(serving))
            filling = disk / "filling"
            with filling.open("wb", buffering=0) as file:
                for size in (65536, 4096, 512):
                    while _written(file.fileno(), size):
                        pass
            taken, bad = 1, 0
            for number in range(12):
                status, answer = post(connection, _record(part, number))
                assert status in (200, 503)
                if status == 503:
                    assert "cannot take" in answer["report"]["message"]
                    break
                taken += 1
                bad += part == "state"
            assert (status == 503) == (part == "intake")
            eventually("it is told", lambda: serving.alive() and _not_ready(serving))
            eventually("the log says so", lambda: serving.alive() and serving.logs("waiting"))
            assert fetch(f"http://127.0.0.1:{serving.port}/live")[0] == 200
            filling.unlink()
            eventually("records are taken", lambda: post(connection, {"id": "last", "n": 1, "name": "Ada"})[0] == 200)
        eventually("all is applied", lambda: serving.alive() and idle(serving))
        samples = serving.metrics()
        applied = samples["exporter_source_records_total{raw,applied}"]
        assert applied + samples.get("exporter_source_records_total{raw,bad}", 0) >= taken + 1
        assert samples.get("exporter_source_records_total{raw,bad}", 0) == bad
        eventually("it is ready", lambda: serving.alive() and not _not_ready(serving))
        eventually("the log says so", lambda: serving.alive() and serving.logs("goes on"))
        assert serving.terminate() == 0


@needs_redis
def test_while_the_queue_is_away_records_are_taken_and_told_later(tmp_path: Path) -> None:
    """What is applied waits in the outbox, over an end of the process too, and is told once and in order."""
    with running(tmp_path / "redis", "--appendonly", "yes") as redis, Place(tmp_path) as place:
        way_in(place)
        place.config["queue"] = {"kind": "redis", "url": redis.url, "stream": "changes"}
        place.write()
        serving = serve(place).ready()
        names = []
        with connected(place) as connection:
            for number in range(20):
                if number == 2:
                    eventually("it is told", lambda: serving.alive() and idle(serving))
                    redis.stop()
                status, answer = post(connection, {"id": f"p-{number % 3}", "n": number, "name": "Ada"})
                assert status == 200
                names.append(answer["xactionId"])
        eventually("all is applied", lambda: serving.metrics()["exporter_source_intake_records{}"] == 0)
        eventually("it is not ready", lambda: serving.alive() and _not_ready(serving))
        assert serving.metrics()["exporter_source_outbox_events{}"] == 18
        assert serving.terminate() == 0
        redis.start()
        serving = serve(place).ready()
        eventually("all is told", lambda: serving.alive() and idle(serving) and not _not_ready(serving))
        told = re.findall(r'{"id":"([^"]+)","profileId"', redis.cli("XRANGE", "changes", "-", "+", options=["--raw"]))
        assert told == names
        assert serving.terminate() == 0


@needs_redis
def test_a_record_whose_event_the_queue_does_not_take_is_bad_and_changes_nothing(tmp_path: Path) -> None:
    """The limit counts as it was at the start; what one that was lowered since refuses is counted."""
    with running(tmp_path / "redis") as redis, Place(tmp_path) as place:
        way_in(place)
        place.config["queue"] = {"kind": "redis", "url": redis.url, "stream": "changes"}
        place.config["serve"] |= {"max_body": "8MiB"}
        place.config["max_event_bytes"] = "8MiB"
        place.write()
        redis.cli("CONFIG", "SET", "proto-max-bulk-len", "3000000")
        serving = serve(place).ready()
        [line] = serving.logs("queue limit")
        assert line["max_event_bytes"] == 3_000_000
        with connected(place) as connection:
            for id_, size in (("larger", 3_100_000), ("small", 1), ("large", 1_500_000)):
                assert post(connection, {"id": id_, "n": 1, "name": "x" * size})[0] == 200
                eventually("it is applied", lambda: serving.alive() and idle(serving))
                redis.cli("CONFIG", "SET", "proto-max-bulk-len", str(1024**2))
        eventually("both are counted", lambda: serving.metrics()["exporter_source_profiles{}"] == 2)
        samples = serving.metrics()
        assert samples["exporter_source_records_total{raw,bad}"] == 1
        assert samples["exporter_source_records_total{raw,applied}"] == 2
        assert samples["exporter_source_events_total{}"] == 1
        assert samples["exporter_source_events_lost_total{}"] == 1
        assert [line["events"] for line in serving.logs("events lost")] == [1]
        listed = place.command("source", "deadletters", "list", "--json")
        assert '"too_large"' in listed.stdout, listed
        assert serving.terminate() == 0


def _record(part: str, number: int) -> dict[str, object]:
    """Large enough to need pages of its own; where bad records find no room, without an id."""
    record: dict[str, object] = {"n": number, "name": "Ada" + "x" * 60_000}
    return record if part == "state" else {**record, "id": f"p-{number}"}


def _written(descriptor: int, size: int) -> int:
    try:
        return os.write(descriptor, bytes(size))
    except OSError:
        return 0


def _not_ready(serving: Daemon) -> bool:
    return fetch(f"http://127.0.0.1:{serving.port}/ready")[0] == 503


def test_a_backup_says_that_its_disk_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small, Place(tmp_path) as place:
        way_in(place)
        place.write()
        database = apsw.Connection(str(tmp_path / "intake.db"))
        database.execute("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(9000000))")
        database.close()
        done = place.command("backup", str(small / "copies"))
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].endswith("intake.db: the disk is full")
