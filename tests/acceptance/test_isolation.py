"""One endpoint that never answers costs its nine neighbours nothing (DESIGN §3, guarantee 4)."""

from __future__ import annotations

from pathlib import Path

from events import Source
from harness import Place
from judging import judged
from processes import eventually


def test_nine_deliver_all_beside_one_that_never_answers(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver, mute = place.receiver(), place.mute()
        healthy = [f"healthy-{number}" for number in range(9)]
        for name in healthy:
            place.destination(name, receiver.url)
        place.destination("mute", mute.url, delivery={"timeout": 60})
        place.write()
        source = Source(profiles=50)
        place.publish(source.make(1_000))
        daemon = place.daemon().ready()
        eventually("the nine have delivered all", lambda: daemon.alive() and place.settled(*healthy))
        assert mute.connections > 0
        assert daemon.metric("exporter_in_flight", "mute") > 0
        received = receiver.received()
        for name in healthy:
            judgement = judged(name, source.made, received)
            assert judgement.sound, str(judgement)
            assert (judgement.delivered, judgement.duplicates) == (1_000, 0)
        lags = {each["group"]: each["lag"] for each in place.lines("positions", "list", "--json")}
        assert lags == {"exporter.mute": 1_000, **{f"exporter.{name}": 0 for name in healthy}}
