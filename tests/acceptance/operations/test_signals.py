"""Stops the daemon with real signals while it works (contract.md#guarantees, 6)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from events import Source
from harness import Place
from judging import judged
from kill_loop import Load, run
from processes import EXPORTER, eventually

RUN = (*EXPORTER, "run")


def test_five_terminations_under_load_lose_and_repeat_nothing(tmp_path: Path) -> None:
    load = Load(
        events=5_000, profiles=200, ends=5, how=signal.SIGTERM, transports=("lean", "aiohttp"), rate=1_500, argv=RUN
    )
    with Place(tmp_path) as place:
        for result in run(place, load):
            judgement = result.judgement
            assert judgement.sound, str(judgement)
            assert (judgement.duplicates, judgement.after_no_answer, judgement.both) == (0, 0, ())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_may_finish(tmp_path: Path, number: signal.Signals) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--latency", "1")
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=3)
        place.publish(source.make(6))
        daemon = place.daemon(argv=RUN).ready()
        eventually("a request is in flight", lambda: daemon.metric("exporter_in_flight", "crm") > 0)
        daemon.send(number)
        assert daemon.wait() == 0, daemon.tail()
        stopped_at = receiver.delivered()
        assert 0 < stopped_at < 6
        assert place.lag("crm") == 6 - stopped_at
        again = place.daemon(argv=RUN).ready()
        eventually("all is settled", lambda: again.alive() and place.settled("crm"))
        judgement = judged("crm", source.made, receiver.received())
        assert judgement.sound, str(judgement)
        assert (judgement.delivered, judgement.duplicates, judgement.after_no_answer) == (6, 0, 0)


def test_a_second_signal_cuts_at_once_and_loses_nothing(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        mute = place.mute()
        destination = place.destination("crm", mute.url, delivery={"timeout": 600})
        place.config["drain"] = 600
        place.write()
        source = Source(profiles=5)
        place.publish(source.make(10))
        daemon = place.daemon(argv=RUN).ready()
        eventually("a request is in flight", lambda: daemon.metric("exporter_in_flight", "crm") > 0)
        daemon.send(signal.SIGTERM)
        [line] = eventually("it drains", lambda: daemon.logs("stopping"))
        assert (line["in_flight"], line["at"], line["drain_seconds"]) == (1, "crm: 1", 600.0)
        assert "second" in line["detail"]
        still = eventually("it says so again", lambda: daemon.logs("still stopping"))[0]
        assert (still["in_flight"], still["at"]) == (1, "crm: 1")
        assert 590 < still["seconds_left"] < 600
        assert daemon.exit_code is None
        daemon.send(signal.SIGTERM)
        daemon.wait()
        receiver = place.receiver()
        destination["endpoint"] = receiver.url
        place.write()
        again = place.daemon(argv=RUN).ready()
        eventually("all is settled", lambda: again.alive() and place.settled("crm"))
        assert judged("crm", source.made, receiver.received()).sound


def test_a_parent_says_what_its_workers_wait_for(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        mute = place.mute()
        for name in ("crm", "web", "shop"):
            place.destination(name, mute.url, delivery={"timeout": 600})
        place.config["drain"] = 600
        place.write()
        place.publish(Source(profiles=1).make(1))
        daemon = place.daemon(argv=(*RUN, "--workers", "2")).ready()
        eventually(
            "requests are in flight",
            lambda: all(daemon.metric("exporter_in_flight", name) > 0 for name in ("crm", "web", "shop")),
        )
        daemon.send(signal.SIGINT)
        still = eventually("it says so", lambda: daemon.logs("still stopping"))
        assert all("shard" not in line for line in still), "the parent tells for all"
        assert (still[0]["in_flight"], still[0]["at"]) == (3, "crm: 1, shop: 1, web: 1")
        begun = daemon.logs("stopping")
        [parent] = [line for line in begun if "shard" not in line]
        assert (parent["workers"], parent["drain_seconds"]) == (2, 600.0)
        assert sum(line["in_flight"] for line in begun if "shard" in line) == 3
        daemon.send(signal.SIGINT)
        daemon.wait()


def test_what_waits_for_a_retry_is_left_to_the_queue(tmp_path: Path) -> None:
    """Nothing is in flight, so nothing is waited for, however long the drain may take."""
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "503")
        place.destination("crm", receiver.url, delivery={"retries": [3_600]})
        place.config["drain"] = 3_600
        place.write()
        source = Source(profiles=3)
        place.publish(source.make(6))
        daemon = place.daemon(argv=RUN).ready()
        eventually("all three wait", lambda: receiver.counters()["by_status"] == {"503": 3})
        assert daemon.terminate() == 0, daemon.tail()
        assert place.lag("crm") == 6
        receiver.control(status=200)
        again = place.daemon(argv=RUN).ready()
        eventually("all is settled", lambda: again.alive() and place.settled("crm"))
        judgement = judged("crm", source.made, receiver.received())
        assert judgement.sound, str(judgement)
        assert (judgement.delivered, judgement.dead_lettered) == (6, 0)


def test_a_bad_configuration_ends_with_78(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/", colour="green")
        place.write()
        daemon = place.daemon(argv=RUN)
        assert daemon.wait() == 78
        assert "colour" in daemon.tail()


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_signals_that_come_after_the_end_do_not_turn_it_into_a_failure(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.destination("shop", receiver.url)
        place.write()
        daemon = place.daemon(argv=(*RUN, *workers)).ready()
        while daemon.exit_code is None:
            daemon.send(signal.SIGTERM)
            time.sleep(0.001)
        assert daemon.exit_code == 0, daemon.tail()
