"""``exporter tail`` beside real daemons: what it shows, how it ends, and what it costs them (contract.md#watching)."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from endpoints import Receiver
from events import Source
from harness import Place
from processes import WARM, Daemon, Process, eventually

TOKEN = "a-token-of-the-partner"


@contextmanager
def tailing(place: Place, *options: str, name: str = "tail") -> Iterator[Process]:
    """The command, once it watches."""
    process = Process((WARM, "tail", *options, "--config", str(place.file)), place.folder, name)
    try:
        eventually("it watches", lambda: process.alive() and "watching" in process.tail())
        yield process
    finally:
        process.stop()


def shown(tail: Process) -> list[str]:
    return tail.out.read_text(encoding="utf-8").splitlines()


def objects(tail: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shown(tail)]


def placed(place: Place, receiver: Receiver, *names: str) -> Source:
    for name in names:
        place.destination(name, receiver.url, auth={"kind": "bearer", "token": TOKEN})
    place.write()
    return Source(profiles=10)


def authorized(place: Place) -> Receiver:
    return place.receiver("--auth", "bearer", "--token", TOKEN)


def test_attempts_are_shown_as_they_happen_and_bodies_on_demand_alone(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = authorized(place)
        source = placed(place, receiver, "crm", "web")
        daemon = place.daemon().ready()
        with (
            tailing(place, name="text") as text,
            tailing(place, "--json", "--destination", "crm", name="json") as as_json,
            tailing(place, "--json", "--bodies", name="bodies") as bodies,
        ):
            place.publish(source.make(3))
            eventually("all are shown", lambda: [len(shown(each)) for each in (text, as_json, bodies)] == [6, 3, 6])
            receiver.control(status=422)
            place.publish(source.make(1))
            eventually("the failures, too", lambda: [len(shown(each)) for each in (text, bodies)] == [8, 8])
            for each, how in ((text, signal.SIGINT), (as_json, signal.SIGTERM), (bodies, signal.SIGTERM)):
                each.send(how)
                assert each.wait() == 0, each.tail()
                assert TOKEN not in each.out.read_text() + each.log.read_text()
        for line in shown(text)[:6]:
            at, destination, event, profile, number, status, *_, what = line.split()
            assert (destination in ("crm", "web"), number, status, what) == (True, "#1", "200", "delivered")
            assert (event, profile) in {(sent.id, sent.profile) for sent in source.made}
            assert at.count(":") == 2
        assert all("422" in line and "dead letter (rejected): HTTP 422" in line for line in shown(text)[6:])
        assert {line["destination"] for line in objects(as_json)} == {"crm"}
        assert all("body" not in line and line["answer"] is None for line in objects(as_json))
        assert {line["body"]["crm"]["profile"] for line in objects(bodies)} == {
            line["profileId"] for line in objects(bodies)
        }
        [told] = daemon.logs("bodies shown")
        assert told["by"] == "socket"
        assert daemon.terminate() == 0
        assert TOKEN not in daemon.log.read_text()


def test_it_says_when_the_daemon_goes_away(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        source = placed(place, authorized(place), "crm")
        for how, words in (
            (signal.SIGTERM, ("the daemon has stopped", "is gone")),
            (signal.SIGKILL, ("is gone",)),
        ):
            daemon = place.daemon().ready()
            with tailing(place, name=how.name) as tail:
                place.publish(source.make(1))
                eventually("it is shown", partial(shown, tail))
                daemon.send(how)
                daemon.wait()
                assert tail.wait() == 1
                for each in words:
                    assert each in tail.tail()
        assert place.command("tail").returncode == 1, "no daemon answers"


def test_workers_are_watched_through_their_parent_across_the_end_of_one(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        source = placed(place, authorized(place), "a", "b")
        parent = place.daemon(argv=(WARM, "run", "--workers", "2")).ready()
        with tailing(place, "--json") as tail, tailing(place, "--json", "--destination", "a", name="of-a") as of_a:

            def seen() -> set[str]:
                return {line["destination"] for line in objects(tail) if "destination" in line}

            place.publish(source.make(2))
            eventually("both are shown", lambda: seen() == {"a", "b"})
            eventually("a, too", lambda: len(shown(of_a)) == 2)
            assert {line["destination"] for line in objects(of_a)} == {"a"}
            worker = psutil.Process(parent.pid).children()[0]
            worker.kill()

            def noticed(words: str) -> bool:
                return any(words in line.get("notice", "") for line in objects(tail))

            eventually("that one has ended is told", lambda: noticed("has stopped") or noticed("does not answer"))
            eventually("that it is back is told", lambda: noticed("answers again"))
            before = len(shown(tail))
            place.publish(source.make(2))
            eventually(
                "both are shown again", lambda: len([line for line in objects(tail)[before:] if "event" in line]) >= 4
            )
            assert parent.terminate() == 0
            assert tail.wait() == 1
            assert "the daemon has stopped" in tail.out.read_text()


def asked_and_never_read(path: Path) -> socket.socket:
    """A reader of a socket that asks for all with bodies and reads nothing."""
    asking = socket.socket(socket.AF_UNIX)
    asking.settimeout(120)
    asking.connect(str(path))
    asking.sendall(b"GET /attempts?bodies=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return asking


def test_who_reads_nothing_slows_nothing_and_is_told_what_was_lost(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        source = placed(place, authorized(place), "crm")
        daemon = place.daemon().ready()
        with asked_and_never_read(tmp_path / "state.db.sock") as asking:
            eventually("it is watched", lambda: daemon.alive() and daemon.logs("bodies shown"))
            place.publish(source.make(20_000))
            eventually("all is delivered all the same", lambda: place.settled("crm"))
            text = b""
            while b'{"lost":' not in text:
                received = asking.recv(1 << 20)
                assert received, "the daemon has closed it"
                text += received
        lines = text.count(b'"event"')
        assert 0 < lines < 20_000
        assert daemon.terminate() == 0


def test_the_ops_port_needs_the_token(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = authorized(place)
        place.config["ops"]["token"] = "of-operators"
        source = placed(place, receiver, "crm")
        daemon = place.daemon().ready()
        url = f"http://127.0.0.1:{daemon.port}"
        refused = place.command("tail", "--url", url)
        assert refused.returncode == 1
        assert "--token" in refused.stderr
        unknown = place.command("tail", "--url", url, "--token", "of-operators", "--destination", "crn")
        assert unknown.returncode == 2
        assert "did you mean crm" in unknown.stderr
        with tailing(place, "--url", url, "--token", "of-operators") as tail:
            place.publish(source.make(1))
            eventually("it is shown", lambda: shown(tail))
        assert daemon.terminate() == 0


def test_the_log_tells_each_attempt_at_the_level_debug_which_a_reload_changes(tmp_path: Path) -> None:
    def attempts(daemon: Daemon) -> list[dict[str, Any]]:
        return daemon.logs("attempt")

    with Place(tmp_path) as place:
        receiver = authorized(place)
        source = placed(place, receiver, "crm")
        daemon = place.daemon().ready()
        place.publish(source.make(5))
        eventually("all is delivered", lambda: place.settled("crm"))
        assert attempts(daemon) == []
        place.config["log"] = {"level": "debug"}
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("the level is taken over", lambda: daemon.logs("reloaded"))
        made = source.make(2)
        place.publish(made)
        eventually("each is told", lambda: len(attempts(daemon)) == 2)
        assert daemon.terminate() == 0
        for line, sent in zip(attempts(daemon), made, strict=True):
            assert (line["level"], line["destination"], line["event_id"]) == ("debug", "crm", sent.id)
            assert (line["status"], line["outcome"], line["attempt"]) == (200, "delivered", 1)
            assert sent.profile not in json.dumps(line).replace(sent.id, "")
