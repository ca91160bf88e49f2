"""A thousand dead letters for one reason are a few lines of a real daemon's log (contract.md#operation)."""

from __future__ import annotations

from pathlib import Path

from events import Source
from harness import Place
from processes import eventually


def test_dead_letters_are_counted_rather_than_told_one_by_one(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "422")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0})
        place.write()
        place.publish([*Source(profiles=100).make(1_000), *[b"no JSON"] * 11])
        daemon = place.daemon().ready()
        eventually("all are dead letters", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0
        assert len(place.dead_letters()) == 1_011
        told = [
            *daemon.logs("dead letter"),
            *(line for line in daemon.logs("held back") if line["of"] == "dead letter"),
        ]
        for reason, status, letters in (("rejected", 422, 1_000), ("malformed", None, 11)):
            lines = [line for line in told if (line["reason"], line["status"]) == (reason, status)]
            assert sum(line.get("lines", 1) for line in lines) == letters, "not one is missing, also at the end"
            assert len([line for line in lines if line["event"] == "dead letter"]) == 1
            assert all(line["destination"] == "crm" for line in lines)
        last = daemon.logs()[-1]
        assert last["event"] == "held back"
