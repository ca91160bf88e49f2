"""``status``, ``positions`` and the metrics of lag on every kind of queue: what operators see is what there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import brokers
import pytest
from brokers import Kind
from events import Source
from harness import Place
from processes import Daemon, eventually

from exporter.queues.journal.settings import JournalSettings

#: Nobody listens at the port that is kept for this purpose.
NOBODY = "http://127.0.0.1:9/"


@pytest.fixture(scope="module", params=["journal", *get_args(Kind)])
def sections(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Gives a ``queue`` section of the kind, of a queue that nobody used before."""
    if request.param == "journal":
        yield lambda: {"kind": "journal", "path": str(tmp_path_factory.mktemp("journal") / "queue.db")}
        return
    with brokers.running(request.param, tmp_path_factory.mktemp("broker")) as broker:
        yield broker.section


@pytest.fixture
def place(sections: Any, tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path, sections()) as place:
        yield place


def groups(place: Place) -> dict[str, dict[str, Any]]:
    """What ``positions list`` shows, by destination, all lanes of a group together."""
    found: dict[str, dict[str, Any]] = {}
    for line in place.lines("positions", "list", "--json"):
        assert line["group"] == JournalSettings().group_prefix + line["destination"]
        seen = found.setdefault(line["destination"], {"lag": 0, "reader": False})
        seen["lag"] += line["lag"]
        seen["reader"] |= line["reader"]
    return found


def lag(daemon: Daemon, destination: str) -> float:
    return daemon.metric("exporter_queue_lag", destination)


def test_what_waits_is_seen_wherever_one_looks(place: Place) -> None:
    place.destination("crm", place.receiver().url)
    place.destination("down", NOBODY)
    place.write()
    source = Source(5)
    place.send(source.make(20))
    daemon = place.daemon().ready()
    eventually("crm is done", lambda: daemon.alive() and place.settled("crm"))
    eventually("down is paused", lambda: "unreachable" in daemon.paused("down"))

    eventually("all of it waits", lambda: (lag(daemon, "crm"), lag(daemon, "down")) == (0, 20))
    oldest = daemon.metric("exporter_oldest_pending_seconds", "down")
    assert oldest > 0
    eventually("it grows older", lambda: daemon.metric("exporter_oldest_pending_seconds", "down") > oldest)
    assert daemon.metric("exporter_oldest_pending_seconds", "crm") == 0

    place.send(source.make(30))  # by another process, while the paused one reads nothing
    eventually("more waits", lambda: (lag(daemon, "crm"), lag(daemon, "down")) == (0, 50))

    url = f"http://127.0.0.1:{daemon.port}"
    status = {each["destination"]: each for each in place.lines("status", "--url", url, "--json")}
    assert (status["crm"]["state"], status["crm"]["lag_messages"], status["crm"]["paused"]) == ("running", 0, [])
    assert (status["down"]["state"], status["down"]["lag_messages"]) == ("paused", 50)
    assert status["down"]["paused"] == ["unreachable"]
    assert status["down"]["oldest_pending_seconds"] > oldest
    table = place.command("status", "--url", url).stdout
    [row] = [line for line in table.splitlines() if line.startswith("down ")]
    assert row.split()[1:3] == ["paused", "50"]
    assert "unreachable, next probe" in row

    assert groups(place) == {"crm": {"lag": 0, "reader": True}, "down": {"lag": 50, "reader": True}}


def test_positions_are_moved_and_forgotten_while_nobody_reads(place: Place) -> None:
    receiver = place.receiver()
    place.destination("crm", receiver.url)
    place.destination("down", NOBODY)  # needs all events: else what crm has read is deleted, and can't be sought
    place.write()
    place.send(Source(5).make(40))
    daemon = place.daemon().ready()
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    for words in (("seek", "crm", "earliest"), ("drop", "crm")):
        refused = place.command("positions", *words)
        assert refused.returncode == 1
        assert "a daemon reads group exporter.crm" in refused.stderr
    assert groups(place)["crm"] == {"lag": 0, "reader": True}
    assert daemon.terminate() == 0

    moved = place.lines("positions", "seek", "crm", "earliest", "--json")
    assert sum(each["lag"] for each in moved) == 40
    assert {each["reader"] for each in moved} == {False}
    again = place.daemon().ready()
    eventually("all is settled again", lambda: again.alive() and place.settled("crm"))
    eventually("all came twice", lambda: receiver.delivered() == 80)
    assert again.terminate() == 0

    assert sum(each["lag"] for each in place.lines("positions", "seek", "crm", "latest", "--json")) == 0
    assert place.lines("positions", "drop", "crm", "--json") == [{"dropped": "exporter.crm"}]
    assert groups(place).keys() == {"down"}
    assert len({reception.idempotency_key for reception in receiver.received()}) == 40
    unknown = place.command("positions", "seek", "crm", "latest")
    assert unknown.returncode == 1
    assert "there is no group exporter.crm" in unknown.stderr
