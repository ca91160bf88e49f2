"""Standard error that nobody reads, or that is gone: the daemon goes on, answers, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from events import Source
from harness import Place
from processes import EXPORTER, PATIENCE_SECONDS, eventually, fetch

#: Of attempts, of each of which the log has a line: more than any pipe takes, and less, or more, than is held.
MANY = 2_000
MORE = 8_000


def _url(process: subprocess.Popen[bytes]) -> str:
    """Where its ops port is, by the only lines of its log that are ever read."""
    assert process.stderr is not None
    while True:
        line = json.loads(process.stderr.readline())
        if line["event"] == "ops" and "shard" not in line:
            return str(line["address"])


def _run(place: Place, *words: str, before: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*EXPORTER, "run", *words, "--config", str(place.write()), "--log-level", "debug"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=place.folder,
        start_new_session=True,
        preexec_fn=before,  # noqa: PLW1509 - the parent has no other threads that hold locks here
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    for each in psutil.Process(process.pid).children() if process.poll() is None else []:
        each.kill()
    process.kill()
    process.wait()
    if process.stderr is not None:
        process.stderr.close()


@pytest.mark.parametrize("words", [(), ("--workers", "2")])
def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        for name in ("crm", "shop"):
            place.destination(name, receiver.url)
        process = _run(place, *words)
        try:
            url = _url(process)
            place.publish(Source(profiles=100).make(MORE))
            eventually("all is settled", lambda: place.settled("crm", "shop"))
            assert fetch(f"{url}/live")[0] == 200
            assert fetch(f"{url}/ready")[0] == 200
            lost = [line for line in fetch(f"{url}/metrics")[1].decode().splitlines() if "lost_total" in line]
            assert sum(float(line.split()[-1]) for line in lost if line[0] != "#") > 0
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            _end(process)


def test_what_was_lost_is_told_once_somebody_reads_again(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", place.receiver().url)
        process = _run(place)
        assert process.stderr is not None
        try:
            _url(process)
            place.publish(Source(profiles=100).make(MORE))
            eventually("all is settled", lambda: place.settled("crm"))
            process.send_signal(signal.SIGTERM)
            lines = [json.loads(line) for line in process.stderr.read().splitlines()]
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            _end(process)
        attempts = sorted(line["position"] for line in lines if line["event"] == "attempt")
        # Several, where the writer comes to write between two of what is lost.
        lost = [line for line in lines if line["event"] == "log lines lost"]
        assert len(attempts) == len(set(attempts))
        assert {line["level"] for line in lost} == {"error"}
        told = [line["event"] for line in lines if line["event"] not in ("attempt", "log lines lost")]
        ends = sum(event in ("stopping", "stopped") for event in told)
        assert len(attempts) + sum(line["lines"] for line in lost) + ends == MORE + 2
        assert lines[-1]["event"] in ("stopped", "log lines lost")


def test_a_reader_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        process = _run(place)
        assert process.stderr is not None
        try:
            url = _url(process)
            process.stderr.close()
            place.publish([b"{"] * 50)
            eventually("all is settled", lambda: place.settled("crm"))
            assert "exporter_log_lines_lost_total 0.0" not in fetch(f"{url}/metrics")[1].decode()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            _end(process)


def test_standard_error_that_never_waits_is_written_whole(tmp_path: Path) -> None:
    """As a parent has it that is written in JavaScript, or shares a terminal with one that is."""

    def before() -> None:
        os.set_blocking(2, False)

    with Place(tmp_path) as place:
        place.destination("crm", place.receiver().url)
        process = _run(place, before=before)
        assert process.stderr is not None
        try:
            _url(process)
            place.publish(Source(profiles=100).make(MANY))
            eventually("all is settled", lambda: place.settled("crm"))
            process.send_signal(signal.SIGTERM)
            lines = [json.loads(line) for line in process.stderr.read().splitlines()]
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            _end(process)
        attempts = sorted(line["position"] for line in lines if line["event"] == "attempt")
        assert attempts == list(range(1, MANY + 1))
        assert lines[-1]["event"] == "stopped"
