"""``exporter demo`` as a real process: what it shows, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

COMMAND = (sys.executable, "-m", "exporter", "demo")


def environment(folder: Path) -> dict[str, str]:
    """A temporary folder of its own, and settings that must not reach the demo."""
    return {**os.environ, "TMPDIR": str(folder), "EXPORTER_CONFIG": "/nonexistent", "EXPORTER__OPS__PORT": "x"}


def test_shows_the_exporter_at_work(tmp_path: Path) -> None:
    done = subprocess.run(
        (*COMMAND, "--json"), capture_output=True, text=True, env=environment(tmp_path), cwd=tmp_path, timeout=120
    )

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["broken"] == []
    assert (summary["duplicates"], summary["out_of_order"], summary["lost"]) == (0, 0, 0)
    assert set(summary["excluded"]) == {"no_trigger", "not_a_member", "other_destination"}
    assert summary["dead_lettered"]["malformed"] == 1
    assert summary["records"] == {"applied": summary["posted"] - 1, "bad": 1}
    excluded, dead = sum(summary["excluded"].values()), sum(summary["dead_lettered"].values())
    assert summary["received"] == summary["delivered"] + excluded + dead
    assert summary["retried"] > 0
    assert {"200", "401", "429", "503"} <= set(summary["answers"])
    assert (summary["answers"]["401"], summary["tokens_issued"]) == (1, 2)
    assert 0 < summary["latency_seconds"]["p50"] <= summary["latency_seconds"]["p95"]
    assert {"loyalty", "segmentMembership", "identityMap"} <= set(summary["payload"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_leaves_nothing_behind_when_it_is_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True, env=environment(tmp_path)) as process:
        try:
            assert process.stderr is not None
            while "is ready" not in process.stderr.readline():
                assert process.poll() is None
            (daemon,) = psutil.Process(process.pid).children()
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode != 0
    assert "Traceback" not in errors
    assert not daemon.is_running()
    assert list(tmp_path.iterdir()) == []
