"""``exporter run --workers``: one configuration over several processes, started, restarted and stopped by a parent."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest
from events import Source
from harness import Place
from judging import judged
from processes import WARM, Daemon, eventually, fetch

NAMES = ("a", "b", "c", "d")


def shards(parent: Daemon) -> dict[str, int]:
    """The pids of the workers that run, by their shard."""
    found = {}
    for child in psutil.Process(parent.pid).children():
        # One that was just killed may still be there without its command line.
        with contextlib.suppress(psutil.NoSuchProcess):
            words = child.cmdline()
            if "--shard" in words:
                found[words[words.index("--shard") + 1]] = child.pid
    return found


def ready(parent: Daemon) -> Daemon:
    """Wait for the parent's own line: the workers log to the same stream."""

    def own() -> list[int]:
        return [int(line["port"]) for line in parent.logs("ready") if parent.alive() and "workers" in line]

    [parent.port] = eventually("the parent is ready", own)
    return parent


def test_workers_share_the_destinations_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        for name in NAMES:
            place.destination(name, receiver.url, delivery={"rate": 500})
        place.write()
        source = Source(profiles=50)
        place.publish(source.make(1_000))
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        before = shards(parent)
        assert set(before) == {"1/2", "2/2"}
        ports = {line["port"] for line in parent.logs("ops")}
        assert len(ports) == 3

        eventually("deliveries", lambda: receiver.delivered() >= 200)
        psutil.Process(before["2/2"]).kill()
        eventually("a new worker", lambda: shards(parent).get("2/2") not in (None, before["2/2"]))
        assert shards(parent)["1/2"] == before["1/2"]
        [line] = parent.logs("worker ended")
        assert (line["shard"], line["exit_code"]) == ("2/2", -signal.SIGKILL)

        eventually("all is settled", lambda: place.settled(*NAMES))
        for name in NAMES:
            mine = [each for each in receiver.received() if str(each.idempotency_key).startswith(f"{name}:")]
            judgement = judged(name, source.made, mine)
            assert judgement.sound, str(judgement)
            assert judgement.delivered == 1_000

        eventually("the parent is ready", lambda: fetch(f"http://127.0.0.1:{parent.port}/ready")[0] == 200)
        assert fetch(f"http://127.0.0.1:{parent.port}/live")[0] == 200
        running = json.loads(fetch(f"http://127.0.0.1:{parent.port}/status")[1])["destinations"]
        assert sorted(flow["destination"] for flow in running) == list(NAMES)

        children = shards(parent).values()
        assert parent.terminate() == 0
        assert not [pid for pid in children if psutil.pid_exists(pid)]


def test_signals_are_passed_on(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        for name in NAMES:
            place.destination(name, receiver.url)
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        place.destination("e", receiver.url)
        place.write()
        parent.send(signal.SIGHUP)
        eventually("both reloaded", lambda: len(parent.logs("reloaded")) == 2)
        eventually(
            "the new destination runs",
            lambda: b'"e"' in fetch(f"http://127.0.0.1:{parent.port}/status")[1],
        )
        parent.send(signal.SIGINT)
        assert parent.wait() == 0


def test_the_destinations_of_a_worker_that_is_down_are_told_of(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        for name in NAMES:
            place.destination(name, "http://127.0.0.1:9/")
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        url = f"http://127.0.0.1:{parent.port}"
        frozen = psutil.Process(shards(parent)["2/2"])
        frozen.suspend()
        try:
            flows = json.loads(fetch(f"{url}/status")[1])["destinations"]
            shown = place.command("status", "--url", url)
        finally:
            frozen.resume()
        assert [flow["destination"] for flow in flows] == list(NAMES)
        silent = [flow["destination"] for flow in flows if flow["state"] == "starting"]
        assert 0 < len(silent) < len(NAMES)
        assert shown.returncode == 0
        for name in silent:
            [row] = [line for line in shown.stdout.splitlines() if line.startswith(f"{name} ")]
            assert row.endswith("shard 2/2: does not answer")
        assert parent.terminate() == 0


def test_a_shard_of_its_own_runs_its_share(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        for name in NAMES:
            place.destination(name, receiver.url)
        place.write()
        one = place.daemon("one", argv=(WARM, "run", "--shard", "1/2")).ready()
        two = place.daemon("two", argv=(WARM, "run", "--shard", "2/2")).ready()
        names = [
            flow["destination"]
            for daemon in (one, two)
            for flow in json.loads(fetch(f"http://127.0.0.1:{daemon.port}/status")[1])["destinations"]
        ]

        assert sorted(names) == list(NAMES)
        assert one.terminate() == 0
        assert two.terminate() == 0


def test_what_is_no_share_or_count_is_a_usage_error(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.write()
        shards = [("--shard", text) for text in ("5/4", "x", "١/٢")]
        counts = [("--workers", text) for text in ("0", "٢")]
        for words in (*shards, *counts, ("--workers", "2", "--shard", "1/2")):
            done = place.command("run", *words)
            assert done.returncode == 2, words
            assert words[0] in done.stderr
            assert "Traceback" not in done.stderr


def test_a_signal_to_the_whole_group_lets_what_is_in_flight_finish(tmp_path: Path) -> None:
    """Ctrl-C in a terminal, or systemd, reaches the workers twice: directly, and passed on by their parent."""
    with Place(tmp_path) as place:
        receiver = place.receiver("--latency", "1.0")
        for name in NAMES:
            place.destination(name, receiver.url)
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        source = Source(profiles=1)
        place.publish(source.make(1))
        eventually("all are in flight", lambda: in_flight(parent) == len(NAMES))
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.wait() == 0, parent.tail()

        assert receiver.delivered() == len(NAMES)
        assert not parent.logs("cut")
        assert place.settled(*NAMES)


def test_a_second_signal_cuts_at_once(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        mute = place.mute()
        for name in NAMES:
            place.destination(name, mute.url, delivery={"timeout": 300})
        place.config["drain"] = 300
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        source = Source(profiles=1)
        place.publish(source.make(1))
        eventually("all are in flight", lambda: in_flight(parent) == len(NAMES))
        parent.send(signal.SIGTERM)
        eventually("both drain", lambda: sum("shard" in line for line in parent.logs("stopping")) == 2)
        parent.send(signal.SIGTERM)

        assert parent.wait() == 0, parent.tail()
        assert len(parent.logs("cut")) == 2
        assert not any(place.settled(name) for name in NAMES)


def test_the_parent_answers_for_all(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        for name in NAMES:
            place.destination(name, receiver.url)
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        source = Source(profiles=5)
        place.publish(source.make(20))
        eventually("all is settled", lambda: place.settled(*NAMES))

        for name in NAMES:
            assert parent.metric("exporter_events_received_total", name) == 20
        assert [line["workers"] for line in parent.logs("ready")] == [2]
        assert {line["shard"] for line in parent.logs("worker ready")} == {"1/2", "2/2"}
        assert parent.terminate() == 0


def test_a_worker_whose_port_is_taken_is_tried_again_until_it_is_free(tmp_path: Path) -> None:
    with Place(tmp_path) as place, socket.socket() as taken:
        port = free_ports(3)
        taken.bind(("127.0.0.1", port + 2))
        taken.listen()
        receiver = place.receiver()
        for name in NAMES:
            place.destination(name, receiver.url)
        place.config["ops"] = {"host": "127.0.0.1", "port": port}
        place.write()
        parent = place.daemon("parent", argv=(WARM, "run", "--workers", "2"))
        eventually("the second worker ended", lambda: parent.alive() and parent.logs("worker ended"))
        [line, *_] = parent.logs("cannot start")
        assert f"127.0.0.1:{port + 2}" in line["detail"]
        assert fetch(f"http://127.0.0.1:{port}/live")[0] == 200
        code, body = fetch(f"http://127.0.0.1:{port}/ready")
        assert code == 503
        assert b"shard 2/2" in body

        taken.close()
        assert ready(parent).port == port
        assert fetch(f"http://127.0.0.1:{port + 2}/live")[0] == 200
        assert parent.terminate() == 0


def test_a_parent_whose_port_is_taken_starts_nothing(tmp_path: Path) -> None:
    with Place(tmp_path) as place, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for name in NAMES:
            place.destination(name, "http://127.0.0.1:9/")
        place.config["ops"] = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
        place.write()
        parent = place.daemon("parent", argv=(WARM, "run", "--workers", "2"))

        assert parent.wait() == 1
        assert [line["event"] for line in parent.logs()] == ["starting", "cannot start"]


def test_ports_beyond_the_last_are_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        for name in NAMES:
            place.destination(name, "http://127.0.0.1:9/")
        place.config["ops"] = {"host": "127.0.0.1", "port": 65_534}
        place.write()
        for words, who in ((("--workers", "2"), "2 workers"), (("--shard", "9/9"), "share 9/9")):
            done = place.command("run", *words)
            assert done.returncode == 78
            for part in ("ops.port", who, "65534", "65536" if words[0] == "--workers" else "65543"):
                assert part in done.stderr


def test_the_parent_tells_of_all_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    names = ["d", "a", "c", "b"]
    with Place(tmp_path) as place:
        for name in names:
            place.destination(name, "http://127.0.0.1:9/")
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))

        def told() -> list[str]:
            return [
                flow["destination"]
                for flow in json.loads(fetch(f"http://127.0.0.1:{parent.port}/status")[1])["destinations"]
            ]

        assert told() == names
        status = place.lines("status", "--json", "--url", f"http://127.0.0.1:{parent.port}")
        assert [flow["destination"] for flow in status] == names

        place.destination("e", "http://127.0.0.1:9/")
        place.config["destinations"].reverse()
        place.write()
        parent.send(signal.SIGHUP)
        eventually("the new order is told", lambda: told() == ["e", *reversed(names)])
        assert parent.terminate() == 0


@pytest.mark.parametrize(("destinations", "runs"), [(1, "1 process runs, not 3"), (2, "2 processes run, not 3")])
def test_fewer_destinations_than_workers_is_said(tmp_path: Path, destinations: int, runs: str) -> None:
    with Place(tmp_path) as place:
        for name in NAMES[:destinations]:
            place.destination(name, "http://127.0.0.1:9/")
        place.destination("off", "http://127.0.0.1:9/", enabled=False)
        place.write()
        daemon = place.daemon("parent", argv=(WARM, "run", "--workers", "3")).ready()

        [note] = [line["detail"] for line in daemon.logs("note") if "not 3" in line["detail"]]
        assert note.startswith(runs)
        assert len(shards(daemon)) == (destinations if destinations > 1 else 0)
        assert daemon.terminate() == 0


def test_a_stop_while_a_crashed_worker_waits_for_its_restart_is_a_clean_end(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        for name in NAMES:
            place.destination(name, "http://127.0.0.1:9/")
        place.write()
        parent = ready(place.daemon("parent", argv=(WARM, "run", "--workers", "2")))
        psutil.Process(shards(parent)["2/2"]).kill()
        eventually("it is noticed", lambda: parent.logs("worker ended"))
        assert parent.terminate() == 0, parent.tail()


def in_flight(parent: Daemon) -> int:
    """Of all destinations, as the parent knows it."""
    return sum(
        flow["in_flight"] for flow in json.loads(fetch(f"http://127.0.0.1:{parent.port}/status")[1])["destinations"]
    )


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses now."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            first = 0
            for number in range(count):
                each = stack.enter_context(socket.socket())
                each.bind(("127.0.0.1", first + number if first else 0))
                first = first or each.getsockname()[1]
            return first


def test_workers_are_what_their_parent_is_whatever_lies_in_the_current_folder(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        for name in NAMES:
            place.destination(name, "http://127.0.0.1:9/")
        place.write()
        (place.folder / "exporter").mkdir()
        (place.folder / "exporter/__init__.py").write_text("raise SystemExit('another one')", encoding="utf-8")
        parent = ready(place.daemon("parent", argv=(sys.executable, "-P", "-m", "exporter", "run", "--workers", "2")))

        assert len(shards(parent)) == 2
        assert parent.terminate() == 0, parent.tail()
