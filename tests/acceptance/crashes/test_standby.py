"""A second daemon on the same queue waits, and takes over when the first one dies (contract.md#the-queue)."""

from __future__ import annotations

from pathlib import Path

from events import Source
from harness import Place
from judging import judged
from processes import eventually


def test_the_second_daemon_takes_over_after_a_kill(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--latency", "0.05")
        place.destination("crm", receiver.url, delivery={"rate": 500})
        place.write()
        source = Source(profiles=100)
        place.publish(source.make(1_000))
        first = place.daemon("first").ready()
        second = place.daemon("second")
        eventually("the first delivers", lambda: receiver.delivered() >= 100)
        second.alive()
        assert not second.logs("ready"), "two daemons read one group"
        assert first.metric("exporter_in_flight", "crm") > 0
        first.kill()
        second.ready()
        eventually("all is settled", lambda: second.alive() and place.settled("crm"))
        judgement = judged("crm", source.made, receiver.received())
        assert judgement.sound, str(judgement)
        assert judgement.delivered == 1_000
        assert second.terminate() == 0
