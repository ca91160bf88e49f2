"""``exporter check --connect`` tries the ops port, as ``run`` will."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTER")}


def configured(folder: Path, port: int) -> Path:
    folder.mkdir()
    file = folder / "exporter.yaml"
    file.write_text(f"queue: {{path: queue.db}}\nstate: {{path: state.db}}\nops: {{port: {port}}}\n")
    return file


def tried(config: Path) -> tuple[int, dict[str, tuple[bool, str]]]:
    command = [sys.executable, "-m", "exporter", "check", "--connect", "--json", "--config", str(config)]
    done = subprocess.run(command, env=ENVIRON, capture_output=True, text=True, timeout=60)
    steps = json.loads(done.stdout)["connect"]
    return done.returncode, {step["what"]: (step["ok"], step["detail"]) for step in steps}


def test_a_port_in_use_is_told_before_run_finds_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, steps = tried(configured(tmp_path / "a", port))
    assert code == 1
    assert steps["ops"] == (False, f"127.0.0.1 port {port} cannot be listened on: another process listens there")


def test_the_port_of_the_daemon_that_runs_is_its_own_and_anothers_is_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    config, second = configured(tmp_path / "a", port), configured(tmp_path / "b", port)
    command = [sys.executable, "-m", "exporter", "run", "--config", str(config)]
    with subprocess.Popen(command, env=ENVIRON, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stderr is not None
            assert any(json.loads(line)["event"] == "ready" for line in daemon.stderr)
            assert tried(config)[0] == 0
            code, steps = tried(second)
            assert (code, steps["ops"][0]) == (1, False)
        finally:
            daemon.terminate()
            daemon.communicate(timeout=60)
