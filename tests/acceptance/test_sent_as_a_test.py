"""``exporter send --to NAME --test``: one event that is really sent, and what came of it (contract.md#by-hand)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from brokers import Kind, running
from events import SEGMENT
from harness import Place
from processes import eventually


def outcome(place: Place, *words: str, code: int = 0) -> dict[str, Any]:
    done = place.command("send", "--to", "crm", "--test", "--json", *words)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["id"].startswith("test:")
    assert found["destination"] == "crm"
    return found


def test_it_goes_to_that_destination_alone_with_all_that_is_mapped(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver, other = place.receiver(), place.receiver()
        place.destination(
            "crm", receiver.url, segments=[SEGMENT, {"namespace": "x", "id": "b"}], attributes=["a.b", "a.b.c", r"d\.e"]
        )
        place.destination("web", other.url)
        place.write()
        assert outcome(place)["outcome"] == "pending"
        daemon = place.daemon().ready()
        found = outcome(place, "--wait")
        assert (found["outcome"], found["detail"]) == ("delivered", "delivered to crm")
        eventually("web is past it", lambda: daemon.alive() and place.settled("web"))
        assert daemon.metric("exporter_events_excluded_total", "web", "other_destination") == 2
        last = receiver.received()[-1]
        assert last.idempotency_key == f"crm:{found['id']}"
        body = json.loads(last.body)
        assert (body["a"], body["d.e"]) == ({"b": "exporter-test"}, "exporter-test")
        assert {name: list(ids) for name, ids in body["segmentMembership"].items()} == {"ups": [SEGMENT], "x": ["b"]}
        assert body["identityMap"] == {"exporter-test": [{"id": found["id"]}]}
        assert other.received() == []


def test_what_came_of_it(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "400")
        place.destination("crm", receiver.url)
        place.write()
        daemon = place.daemon().ready()
        place.config["ops"]["port"] = daemon.port
        place.write()
        found = outcome(place, code=1)
        assert found["outcome"] == "dead_letter"
        assert "rejected: HTTP 400" in found["detail"]
        [letter] = place.dead_letters()
        assert letter["event"] == found["id"]
        assert place.command("pause", "crm").returncode == 0
        eventually("it obeys", lambda: daemon.paused("crm") == {"operator"})
        waiting = outcome(place)
        assert waiting["outcome"] == "pending"
        assert "operator" in waiting["detail"]


@pytest.mark.parametrize("kind", ["redis", "kafka", "nats"])
def test_on_a_broker(tmp_path: Path, kind: Kind) -> None:
    with running(kind, tmp_path) as broker, Place(tmp_path, broker.section()) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        place.daemon().ready()
        assert outcome(place, "--wait")["outcome"] == "delivered"
        assert receiver.delivered() == 1


def test_what_would_not_be_sent_is_not_queued(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/", segments=[])
        place.destination("off", "http://127.0.0.1:9/", enabled=False)
        place.destination("late", "http://127.0.0.1:9/", start="latest")
        place.write()
        for name, why in {
            "crm": "maps no segment",
            "off": "switched off",
            "late": "run a daemon first",
        }.items():
            done = place.command("send", "--to", name, "--test")
            assert (done.returncode, done.stdout) == (1, "")
            assert why in done.stderr
        unknown = place.command("send", "--to", "crn", "--test")
        assert unknown.returncode == 2
        assert "did you mean crm?" in unknown.stderr
        for wrong in (["--test"], ["--to", "crm"], ["--to", "crm", "--test", "events.jsonl"], ["--wait"], []):
            assert place.command("send", *wrong).returncode == 2, wrong
        daemon = place.daemon().ready()
        eventually("it has its places", place.positions)
        assert all(position.lag == 0 for positions in place.positions().values() for position in positions)
        assert daemon.terminate() == 0
