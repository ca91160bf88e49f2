"""What a daemon says of its dataflows before queue and state are open."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from exporter.daemon.startup import Startup
from exporter.telemetry.status import DataflowStatus, Health


def test_every_dataflow_is_paused_for_the_part_that_could_not_be_opened() -> None:
    waiting = Startup(["crm", "ads"], {"queue": "redis at r", "state": "sqlite at s.db"})
    assert waiting.health() == Health(False, ("starting",))
    assert waiting.status() == [DataflowStatus("crm", "starting"), DataflowStatus("ads", "starting")]

    waiting.opening("state")
    assert waiting.health() == Health(False, ("starting",))
    assert waiting.gauges().paused == frozenset()
    waiting.failed("the disk is full")
    assert waiting.reason == "state cannot be reached"
    assert waiting.health() == Health(False, ("state cannot be reached (sqlite at s.db): the disk is full",))
    assert waiting.gauges().paused == {"state"}
    assert waiting.status() == [
        DataflowStatus(name, "paused", ("state",), last_failure="the disk is full") for name in ("crm", "ads")
    ]

    waiting.opening("queue")
    assert waiting.health() == Health(False, ("starting",))
    assert waiting.gauges().paused == frozenset()
    waiting.failed("connection refused")
    assert waiting.gauges().paused == {"queue"}
    assert waiting.health() == Health(False, ("queue cannot be reached (redis at r): connection refused",))


UNREACHABLE = """
ops: {port: 0, socket: null}
queue: {kind: redis, url: "redis://127.0.0.1:9/0"}
destinations: [{name: crm, endpoint: "http://127.0.0.1:9/"}]
"""


def started(folder: Path, *options: str, stderr: int) -> subprocess.Popen[bytes]:
    (folder / "exporter.yaml").write_text(UNREACHABLE)
    command = [sys.executable, "-m", "exporter", "run", "--config", "exporter.yaml", *options]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}
    return subprocess.Popen(command, cwd=folder, env=environ, stderr=stderr)


def test_a_stop_while_the_queue_cannot_be_reached_is_said(tmp_path: Path) -> None:
    with started(tmp_path, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            assert any(b'"waiting"' in line for line in process.stderr)
            process.send_signal(signal.SIGTERM)
            said = [json.loads(line)["event"] for line in process.stderr.read().splitlines()]
            assert said[-2:] == ["stopping", "stopped"]
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_a_terminal_is_told_of_the_stop_whatever_the_level(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    shown = b""
    with started(tmp_path, "--log-level", "warning", stderr=theirs) as process:
        try:
            os.close(theirs)
            while b"waiting" not in shown:
                shown += os.read(ours, 10_000)
            process.send_signal(signal.SIGTERM)
            with suppress(OSError):  # the end: nobody else has the terminal open any more
                while True:
                    shown += os.read(ours, 10_000)
            assert process.wait(60) == 0
        finally:
            process.kill()
            os.close(ours)
    assert b"stopping" in shown
    assert b"stopped" not in shown
