"""Operators pause, resume and probe destinations by hand, beside real daemons (contract.md#by-hand)."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import brokers
import pytest
from endpoints import Receiver
from events import Source
from harness import Place
from judging import judged
from processes import WARM, Daemon, eventually, fetch


def said(place: Place, *words: str, code: int = 0) -> str:
    """What a command prints."""
    done = place.command(*words)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def obeyed(daemon: Daemon, destination: str, *, paused: bool) -> None:
    eventually("it obeys", lambda: daemon.alive() and ("operator" in daemon.paused(destination)) is paused)


def status(daemon: Daemon, destination: str) -> dict[str, Any]:
    answer = json.loads(fetch(f"http://127.0.0.1:{daemon.port}/status")[1])
    flows = answer["destinations"] if isinstance(answer, dict) else answer
    return next(flow for flow in flows if flow["destination"] == destination)


def filled(place: Place, receiver: Receiver, count: int, names: tuple[str, ...] = ("crm",)) -> Source:
    """Destinations, and events on the queue for each of them."""
    for name in names:
        place.destination(name, receiver.url)
    place.write()
    source = Source(profiles=10)
    place.publish(source.make(count))
    return source


def test_a_pause_holds_from_the_start_and_survives_kills_until_it_is_resumed(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        source = filled(place, receiver, 40, ("crm", "web"))
        assert "is paused" in said(place, "pause", "crm", "--why", "the partner moves")
        daemon = place.daemon().ready()
        for how in (signal.SIGTERM, signal.SIGKILL):
            eventually("web has all", lambda: place.settled("web"))
            assert fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 200
            assert daemon.paused("crm") == {"operator"}
            assert place.lag("crm") == 40
            daemon.send(how)
            daemon.wait()
            daemon = place.daemon().ready()
        found = status(daemon, "crm")
        assert (found["state"], found["paused"], found["delivered"]) == ("paused", ["operator"], 0)
        assert found["operator"]["why"] == "the partner moves"
        assert "@" in found["operator"]["by"]
        assert found["operator"]["warning"].startswith("the journal keeps 40 events for it")
        assert "the partner moves" in said(place, "check")
        daemon.send(signal.SIGHUP)
        eventually("it has loaded anew", lambda: daemon.logs("reloaded"))
        place.config["destinations"][0]["description"] = "changed, so that it is opened anew"
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("it has loaded anew", lambda: len(daemon.logs("reloaded")) == 2)
        assert daemon.paused("crm") == {"operator"}
        assert "goes on" in said(place, "resume", "crm")
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0
        for name in ("crm", "web"):
            judgement = judged(name, source.made, receiver.received())
            assert judgement.sound, str(judgement)


def test_what_is_in_flight_finishes_and_nothing_follows(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--latency", "1")
        filled(place, receiver, 100)
        daemon = place.daemon().ready()
        eventually("some were delivered", lambda: receiver.delivered() > 1)
        said(place, "pause", "crm")
        obeyed(daemon, "crm", paused=True)
        eventually("nothing is in flight", lambda: daemon.metric("exporter_in_flight", "crm") == 0)
        delivered = daemon.metric("exporter_exports_total", "crm", "delivered")
        assert 0 < delivered < 100
        assert daemon.metric("exporter_exports_total", "crm", "dead_lettered") == 0
        eventually("what was delivered is committed", lambda: place.lag("crm") == 100 - delivered)
        receiver.control(latency=0)
        said(place, "resume", "crm")
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert receiver.delivered() == 100


def test_a_probe_by_hand_ends_another_pause_and_never_an_operators(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "503", "--retry-after", "3000")
        filled(place, receiver, 20)
        daemon = place.daemon().ready()
        eventually("it is told to wait", lambda: daemon.paused("crm") == {"retry_after"})
        said(place, "pause", "crm")
        obeyed(daemon, "crm", paused=True)
        assert daemon.paused("crm") == {"operator", "retry_after"}
        receiver.control(status=200)
        assert "nothing is probed" in said(place, "probe", "crm", code=1)
        said(place, "resume", "crm")
        obeyed(daemon, "crm", paused=False)
        assert daemon.paused("crm") == {"retry_after"}
        assert receiver.delivered() == 0
        said(place, "probe", "crm")
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.paused("crm") == set()
        assert "was not paused" in said(place, "resume", "crm")


def test_unknown_names_and_groups_that_are_dropped(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        filled(place, receiver, 3)
        assert "there is no state yet" in said(place, "resume", "crm")
        assert not (tmp_path / "state.db").exists()
        assert "did you mean crm?" in said(place, "pause", "crmm", code=2)
        assert "200 characters" in said(place, "pause", "crm", "--why", "x" * 201, code=2)
        done = json.loads(place.command("pause", "crm", "--json").stdout)
        assert (done["destination"], done["done"]) == ("crm", True)
        assert "already" in said(place, "pause", "crm")
        daemon = place.daemon().ready()
        assert "a daemon reads" in said(place, "positions", "drop", "crm", code=1)
        assert daemon.terminate() == 0
        assert "pause by an operator is forgotten" in said(place, "positions", "drop", "crm")
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert receiver.delivered() == 3


def test_workers_obey(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        filled(place, receiver, 30, ("crm", "web", "shop"))
        said(place, "pause", "shop")
        daemon = place.daemon(argv=(WARM, "run", "--workers", "2")).ready()
        eventually("the rest has all", lambda: daemon.alive() and place.settled("crm", "web"))
        assert daemon.pauses() == {"shop": {"operator"}}
        said(place, "pause", "web")
        obeyed(daemon, "web", paused=True)
        said(place, "resume", "shop")
        eventually("all is settled", lambda: daemon.alive() and place.settled("shop"))
        assert daemon.terminate() == 0


@pytest.mark.parametrize("kind", ["kafka", "redis"])
def test_replicas_that_share_a_state_obey(tmp_path: Path, kind: brokers.Kind) -> None:
    """On Kafka both read, on Redis one stands by: which is to know too, and as ready as without a pause."""
    with brokers.running("redis", tmp_path) as redis:
        folder = tmp_path / "queue"
        folder.mkdir()
        if kind == "redis":
            _replicas(folder, redis.section(), redis)
        else:
            with brokers.running("kafka", folder) as kafka:
                _replicas(folder, kafka.section(), redis)


def _reads_or_stands_by(daemon: Daemon) -> None:
    eventually("it reads or stands by", lambda: daemon.logs("ready") or daemon.logs("standby"))
    daemon.port = int(daemon.logs("ops")[-1]["port"])
    eventually("it is ready", lambda: fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 200)


def _replicas(folder: Path, queue: dict[str, Any], redis: brokers.Broker) -> None:
    with Place(folder, queue) as place:
        url = redis.section()["url"]
        place.config["state"] = {"kind": "redis", "url": url, "key_prefix": "by-hand:"}
        receiver = place.receiver()
        source = filled(place, receiver, 50)
        said(place, "pause", "crm", "--why", "both of them")
        both = [place.daemon(name) for name in ("first", "second")]
        for daemon in both:
            _reads_or_stands_by(daemon)
            assert "operator" in daemon.paused("crm")
            assert status(daemon, "crm")["operator"]["why"] == "both of them"
        assert receiver.delivered() == 0
        assert "both of them" in said(place, "check", "--connect")
        assert "both of them" not in said(place, "check"), "which asks no server"
        said(place, "resume", "crm")
        for daemon in both:
            obeyed(daemon, "crm", paused=False)
        eventually("all is settled", lambda: place.settled("crm"))
        said(place, "pause", "crm")
        for daemon in both:
            obeyed(daemon, "crm", paused=True)
            assert daemon.terminate() == 0
        judgement = judged("crm", source.made, receiver.received())
        assert judgement.sound, str(judgement)


def test_a_daemon_on_its_socket_does_it_at_once_whatever_the_file_on_the_disk_says(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        filled(place, receiver, 5)
        place.config["ops"]["token"] = "open sesame"
        place.write()
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        said(place, "pause", "crm", "--why", "by the socket")
        assert daemon.paused("crm") == {"operator"}, "before the command has ended"
        assert [(line["action"], line["by"], line["done"]) for line in daemon.logs("action")] == [
            ("pause", "socket", True)
        ]
        assert "@" in status(daemon, "crm")["operator"]["by"]
        place.file.write_text("destinations: [")
        assert "goes on" in said(place, "resume", "crm", "--socket", str(tmp_path / "state.db.sock"))
        assert daemon.paused("crm") == set()
        place.write()
        place.file.write_text(place.file.read_text() + "bogus: 1\n")
        paused = said(place, "pause", "crm")
        assert "crm is paused" in paused
        assert "bogus" in paused, "the mistakes of the file on the disk are told of"
        said(place, "resume", "crm")
        url = ("--url", f"http://127.0.0.1:{daemon.port}")
        assert "ops.token" in said(place, "pause", "crm", *url, code=1)
        assert daemon.paused("crm") == set()
        said(place, "pause", "crm", *url, "--token", "open sesame")
        assert daemon.paused("crm") == {"operator"}
        assert daemon.terminate() == 0
        assert "no daemon answers" in said(place, "resume", "crm", *url, code=1)
        place.write()
        assert "goes on" in said(place, "resume", "crm"), "in the state, where no daemon answers"


def test_a_destination_that_the_daemon_has_not_read_yet_is_paused_in_the_state(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        filled(place, receiver, 5)
        daemon = place.daemon().ready()
        place.destination("new", receiver.url)
        place.write()
        assert "is paused" in said(place, "pause", "new")
        daemon.send(signal.SIGHUP)
        eventually("it runs", lambda: "new" in daemon.pauses())
        assert daemon.paused("new") == {"operator"}
        assert daemon.metric("exporter_exports_total", "new", "delivered") == 0
        assert daemon.terminate() == 0
