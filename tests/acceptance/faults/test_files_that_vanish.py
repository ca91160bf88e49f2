"""The queue's or the state's files vanish, or may not be touched, under a daemon: it says so, and goes on without a
restart when they are back (contract.md#whose-fault, "ours")."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoints import Receiver
from events import Source
from harness import Place
from judging import judged
from processes import EXPORTER, Daemon, eventually, fetch

#: Root passes every check of permissions by a capability; without it, root is like anybody else.
LIKE_ANYBODY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()

needs_setpriv = pytest.mark.skipif(
    bool(LIKE_ANYBODY) and shutil.which("setpriv") is None,
    reason="root may do everything, and setpriv is not installed",
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as place:
        data = tmp_path / "data"
        place.config["queue"]["path"] = str(data / "queue.db")
        place.config["state"]["path"] = str(data / "state.db")
        try:
            yield place
        finally:
            if data.exists():
                data.chmod(0o700)


def ready(daemon: Daemon) -> bool:
    return fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 200


def started(place: Place, **more: Any) -> tuple[Receiver, Daemon]:
    receiver = place.receiver("--latency", "0.01")
    place.destination("crm", receiver.url, delivery={"rate": 500}, **more)
    place.write()
    return receiver, place.daemon(argv=(*LIKE_ANYBODY, *EXPORTER, "run"))


@needs_setpriv
def test_a_folder_that_may_not_be_looked_into_for_a_while_ends_nothing(place: Place) -> None:
    receiver, daemon = started(place)
    source = Source(profiles=100)
    place.publish(source.make(3_000))
    daemon.ready()
    eventually("it delivers", lambda: receiver.delivered() >= 100)
    data = place.folder / "data"
    data.chmod(0)
    eventually("the dataflow is paused", lambda: daemon.alive() and "queue" in daemon.paused("crm"))
    eventually("it is not ready", lambda: not ready(daemon))
    data.chmod(0o700)
    eventually("it is ready", lambda: ready(daemon))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    eventually("the pause is over", lambda: not daemon.paused("crm"))
    assert daemon.terminate() == 0
    judgement = judged("crm", source.made, receiver.received(), place.dead_letters())
    assert judgement.sound, str(judgement)
    assert judgement.duplicates == 0
    assert not [line for line in daemon.logs() if line.get("reason") == "bug"]
    assert "Traceback" not in daemon.tail()


@pytest.mark.parametrize("which", ["queue", "state"])
def test_a_file_that_is_taken_away_from_an_idle_daemon_is_missed_within_seconds(place: Place, which: str) -> None:
    receiver, daemon = started(place)
    daemon.ready()
    source = Source(profiles=10)
    place.publish(source.make(10))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    file = place.folder / "data" / f"{which}.db"
    aside = file.rename(file.with_name("aside.db"))
    eventually("the dataflow is paused", lambda: which in daemon.paused("crm"), seconds=10)
    eventually("it is not ready", lambda: not ready(daemon))
    # The log is written by a thread of its own, a moment later.
    [detail] = eventually(
        "it is logged", lambda: [line["detail"] for line in daemon.logs("paused") if line["reason"] == which]
    )
    assert detail.startswith(f"{file} was removed while it was open: put it back, or start the exporter again to")
    command = ("positions", "list") if which == "queue" else ("deadletters", "list")
    refused = place.command(*command)
    assert refused.returncode == 1, refused.stderr
    assert f"{file}: it is not there, and {file.name}-wal beside it is: put the file back" in refused.stderr
    checked = place.command("check", "--connect")
    assert f"{file}: it is not there, and {file.name}-wal beside it is: put the file back" in checked.stdout
    assert not file.exists(), "it was made anew, and what is put back would have lost its log"
    aside.rename(file)
    eventually("it is ready", lambda: ready(daemon))
    place.publish(source.make(10))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    assert daemon.terminate() == 0
    judgement = judged("crm", source.made, receiver.received(), place.dead_letters())
    assert judgement.sound, str(judgement)
    assert judgement.duplicates == 0


def test_a_folder_that_is_moved_away_for_a_while_is_not_made_anew(place: Place) -> None:
    receiver, daemon = started(place)
    daemon.ready()
    source = Source(profiles=10)
    place.publish(source.make(10))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    data, gone = place.folder / "data", place.folder / "gone"
    data.rename(gone)
    eventually("the dataflow is paused", lambda: "queue" in daemon.paused("crm"))
    eventually("both are missed", lambda: "state" in daemon.paused("crm"))
    assert not data.exists(), "the folder was made anew, and what is put back would land inside"
    gone.rename(data)
    eventually("it is ready", lambda: ready(daemon))
    place.publish(source.make(10))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    assert daemon.terminate() == 0
    judgement = judged("crm", source.made, receiver.received(), place.dead_letters())
    assert judgement.sound, str(judgement)
    assert judgement.duplicates == 0


@pytest.mark.parametrize("what", ["folder", "files"])
def test_a_daemon_that_lost_its_journal_leaves_a_new_one_to_others(place: Place, what: str) -> None:
    receiver, first = started(place)
    first.ready()
    data = place.folder / "data"
    if what == "folder":
        shutil.rmtree(data)
    else:
        for file in (*data.glob("queue.db*"), *data.glob("state.db*")):
            if file.is_file():  # as `rm data/*.db*` does: the folder of locks stays
                file.unlink()
    eventually("the first is paused", lambda: "queue" in first.paused("crm"))
    source = Source(profiles=10)
    place.publish(source.make(10))
    second = place.daemon("second").ready()
    eventually("the new journal is read", lambda: second.alive() and place.settled("crm"))
    assert not ready(first)
    assert first.terminate() == 0
    place.publish(source.make(10))
    eventually("the new journal is read on", lambda: second.alive() and place.settled("crm"))
    assert second.terminate() == 0
    judgement = judged("crm", source.made, receiver.received(), place.dead_letters())
    assert judgement.sound, str(judgement)
    assert judgement.duplicates == 0


@pytest.mark.parametrize("which", ["queue", "state"])
def test_a_file_that_is_emptied_under_an_idle_daemon_is_named_as_that(place: Place, which: str) -> None:
    _, daemon = started(place)
    daemon.ready()
    source = Source(profiles=10)
    place.publish(source.make(10))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    file = place.folder / "data" / f"{which}.db"
    log = file.with_name(f"{which}.db-wal")
    os.truncate(file, 0)
    eventually("the dataflow is paused", lambda: which in daemon.paused("crm"))
    eventually("it is not ready", lambda: not ready(daemon))
    [detail] = [line["detail"] for line in daemon.logs("paused") if line["reason"] == which]
    assert detail.startswith(f"{file} was truncated to 0 bytes while it was open: stop the exporter, put the file and")
    command = ("positions", "list") if which == "queue" else ("deadletters", "list")
    refused = place.command(*command)
    assert refused.returncode != 0
    assert f"{file}: it is empty, and {log.name} beside it is not: it was truncated" in refused.stderr
    assert log.stat().st_size > 0, "others took the log from under the daemon"
    assert daemon.terminate() == 0
    for name in (file, log):
        name.unlink(missing_ok=True)
    again = place.daemon("again").ready()
    assert again.terminate() == 0


@needs_setpriv
@pytest.mark.parametrize("asks_for_others", [False, True])
def test_locks_that_may_not_be_looked_at_when_it_starts_are_waited_for(place: Place, asks_for_others: bool) -> None:
    receiver, first = started(place, include_segment_timestamps=asks_for_others)
    first.ready()
    assert first.terminate() == 0
    locks = place.folder / "data" / "queue.db.locks"
    locks.chmod(0)
    daemon = place.daemon(argv=(*LIKE_ANYBODY, *EXPORTER, "run"))
    try:
        event = "waiting" if asks_for_others else "paused"
        eventually("it waits", lambda: daemon.alive() and daemon.logs(event))
        said = daemon.logs(event)[-1]
        assert said["reason"] == ("queue cannot be reached" if asks_for_others else "queue")
        assert said["detail"].startswith("the lock of group exporter.crm cannot be used: ")
        assert "Permission denied" in said["detail"]
    finally:
        locks.chmod(0o700)
    daemon.ready()
    source = Source(profiles=10)
    place.publish(source.make(10))
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    assert daemon.terminate() == 0
    assert receiver.delivered() == 10
    assert "Traceback" not in daemon.tail()
