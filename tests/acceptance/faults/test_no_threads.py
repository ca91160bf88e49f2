"""Where the system has no thread left, the daemon says so and waits, or ends with a reason: it is never aborted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Place
from processes import EXPORTER, Daemon, eventually, fetch
from serving import way_in

#: Of no other processes, those of tests beside this one neither. Root may start threads beyond every limit.
USER = 20_000 + os.getpid() % 40_000
#: May read the interpreter, wherever that is.
AS_USER = (
    *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
    *("--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
)

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or any(shutil.which(program) is None for program in ("setpriv", "prlimit")),
    reason="only root may become a user without other processes, by setpriv and prlimit",
)


@pytest.fixture
def place() -> Iterator[Place]:
    """In a folder of the user: the folders above a test's usual folder are root's alone."""
    with tempfile.TemporaryDirectory() as folder, Place(Path(folder)) as place:
        os.chown(folder, USER, USER)
        place.destination("crm", "http://127.0.0.1:9/")
        yield place


def started(place: Place, threads: int) -> Daemon:
    """A daemon that may have so many threads, its first included."""
    place.write()
    return place.daemon(argv=(*AS_USER, "prlimit", f"--nproc={threads}:100", *EXPORTER, "run"))


def allow(daemon: Daemon, threads: int) -> None:
    """Change how many threads a daemon may have."""
    subprocess.run([*AS_USER, "prlimit", "--pid", str(daemon.pid), f"--nproc={threads}:100"], check=True)


def port_of(daemon: Daemon) -> int:
    [line] = eventually("it serves", lambda: daemon.logs("ops") if daemon.alive() else None)
    return int(line["port"])


def test_a_daemon_that_can_start_no_thread_but_its_log_waits_for_one(place: Place) -> None:
    daemon = started(place, 2)
    port = port_of(daemon)
    line = eventually("it waits", lambda: daemon.logs("waiting") if daemon.alive() else None)[0]
    assert line["detail"] == "no thread can be started (can't start new thread)"
    assert fetch(f"http://127.0.0.1:{port}/live")[0] == 200
    status, body = fetch(f"http://127.0.0.1:{port}/ready")
    assert status == 503
    assert "no thread can be started" in json.loads(body)["reasons"][0]
    allow(daemon, 100)
    daemon.ready()
    # As at first, but of a daemon that has run.
    allow(daemon, 1)
    daemon.send(signal.SIGHUP)
    eventually("it reloads", lambda: daemon.alive() and daemon.logs("reloaded"))
    assert daemon.terminate() == 0, daemon.tail()
    assert not daemon.logs("ended by a bug")


@pytest.mark.parametrize("threads", [3, 4, 5])
def test_too_few_threads_end_no_daemon(place: Place, threads: int) -> None:
    daemon = started(place, threads)
    assert fetch(f"http://127.0.0.1:{port_of(daemon)}/live")[0] == 200
    eventually("it waits or runs", lambda: daemon.alive() and (daemon.logs("waiting") or daemon.logs("ready")))
    assert daemon.terminate() == 0, daemon.tail()


@pytest.mark.parametrize("threads", [3, 7, 9, 12])
def test_too_few_threads_end_no_way_in(place: Place, threads: int) -> None:
    """With nine, all its files are open, and none is left when it begins to listen."""
    way_in(place)
    place.write()
    serving = place.daemon("serve", argv=(*AS_USER, "prlimit", f"--nproc={threads}:100", *EXPORTER, "serve"))
    eventually("it waits or runs", lambda: serving.alive() and (serving.logs("waiting") or serving.logs("ready")))
    assert fetch(f"http://127.0.0.1:{port_of(serving)}/live")[0] == 200
    allow(serving, 100)
    serving.ready()
    allow(serving, 1)
    serving.send(signal.SIGHUP)
    eventually("it reloads", lambda: serving.alive() and serving.logs("reloaded"))
    assert serving.terminate() == 0, serving.tail()


@pytest.mark.parametrize(
    "section",
    [
        {"kind": "kafka", "bootstrap_servers": "localhost:9"},
        {"kind": "nats", "url": "nats://localhost:9"},
        {"kind": "redis", "url": "redis://localhost:9"},
    ],
    ids=lambda section: str(section["kind"]),
)
def test_a_broker_is_waited_for_while_its_name_cannot_be_looked_up(place: Place, section: dict[str, str]) -> None:
    place.config |= {"queue": section, "state": {"kind": "redis", "url": "redis://localhost:9"}}
    if section["kind"] != "redis":
        place.config["state"] = {"kind": "sqlite", "path": str(place.folder / "state.db")}
    # Besides the first: a thread for the log, and where the state is a file, one for it and one that reads other files.
    daemon = started(place, 2 if section["kind"] == "redis" else 4)
    port_of(daemon)
    line = eventually("it waits", lambda: daemon.logs("waiting") if daemon.alive() else None)[0]
    assert "no thread is left to look the name up" in line["detail"]
    assert daemon.terminate() == 0, daemon.tail()


def test_a_name_for_the_ops_port_that_cannot_be_looked_up_is_the_reason_of_the_end(place: Place) -> None:
    place.config["ops"] = {"host": "localhost", "port": 0}
    daemon = started(place, 2)
    assert daemon.wait() == 1
    [line] = daemon.logs("cannot start")
    assert line["detail"] == "cannot serve the ops port on localhost:0: no thread is left to look the name up"


def test_without_a_thread_for_its_log_it_ends_with_a_reason(place: Place) -> None:
    daemon = started(place, 1)
    assert daemon.wait() == 1
    assert daemon.log.read_text() == "cannot start: no thread can be started (can't start new thread)\n"
