"""The queue's or the state's file cannot be written for a while: nothing is acknowledged, nothing lost."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from events import Source
from harness import Place
from judging import judged
from processes import eventually


@pytest.mark.parametrize("locked", ["queue", "state"])
def test_a_locked_file_pauses_and_all_goes_on_when_it_is_free(tmp_path: Path, locked: str) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--fail-rate", "0.3", "--fail-status", "422", "--latency", "0.01")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0, "rate": 500})
        place.write()
        source = Source(profiles=100)
        place.publish(source.make(2_000))
        daemon = place.daemon().ready()
        eventually("it delivers", lambda: receiver.delivered() >= 100)
        other = apsw.Connection(str(tmp_path / f"{locked}.db"))
        other.set_busy_timeout(10_000)
        other.execute("BEGIN IMMEDIATE")
        eventually("the dataflow is paused", lambda: daemon.alive() and locked in daemon.paused("crm"))
        other.execute("ROLLBACK")
        other.close()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        eventually("the pause is over", lambda: not daemon.paused("crm"))
        letters = place.dead_letters()
        assert daemon.terminate() == 0
        judgement = judged("crm", source.made, receiver.received(), letters)
        assert judgement.sound, str(judgement)
        assert (judgement.duplicates, judgement.both) == (0, ())


def test_a_file_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/")
        place.write()
        foreign = b"profile,state\n" * 1_000
        (tmp_path / "queue.db").write_bytes(foreign)
        daemon = place.daemon()
        assert daemon.wait() == 1
        assert "queue.db" in daemon.tail()
        assert (tmp_path / "queue.db").read_bytes() == foreign
