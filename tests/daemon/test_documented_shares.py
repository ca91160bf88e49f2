"""The ways to start shares that the documentation shows: run as they stand there, but for paths."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.daemon.workers.shard import Shard

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/destinations.md").read_text(encoding="utf-8")
UNIT = ROOT / "config/systemd/exporter@.service"
NAMES = [f"destination-{number}" for number in range(8)]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "exporter.yaml"
    destinations = [{"name": name, "endpoint": "http://127.0.0.1:9/"} for name in NAMES]
    stores = {"queue": {"path": str(tmp_path / "queue.db")}, "state": {"path": str(tmp_path / "state.db")}}
    file.write_text(json.dumps({**stores, "ops": {"port": 0}, "destinations": destinations}))
    return file


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """A folder with ``exporter`` in it."""
    program = tmp_path / "bin/exporter"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m exporter "$@"\n')
    program.chmod(0o755)
    return program


def yaml_in(page: str, kind: str) -> dict[str, Any]:
    [found] = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if kind in text]
    loaded: dict[str, Any] = yaml.safe_load(found)
    return loaded


def destinations_of(argv: list[str], environ: dict[str, str], folder: Path, port: int | None = None) -> set[str]:
    """What a process runs, by its ops port: a given one, or what it logs."""
    with (folder / "log").open("wb+") as log, subprocess.Popen(argv, stderr=log, cwd=folder, env=environ) as process:
        try:
            end = time.monotonic() + 60
            while True:
                lines = [json.loads(line) for line in (folder / "log").read_bytes().splitlines()]
                if [line for line in lines if line["event"] == "ready"]:
                    break
                assert process.poll() is None, lines
                assert time.monotonic() < end, lines
                time.sleep(0.05)
            port = port or next(line["port"] for line in lines if line["event"] == "ready")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=10) as answer:
                names = {flow["destination"] for flow in json.loads(answer.read())["destinations"]}
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
    return names


def test_the_template_of_systemd(config: Path, command: Path) -> None:
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[method-assign, assignment]
    unit.read(UNIT, encoding="utf-8")
    words = unit["Service"]["ExecStart"].replace("%i", "2").split()
    assert (words[0], words[3]) == ("/opt/exporter/bin/exporter", "/etc/exporter/exporter.yaml")
    words[0], words[3] = str(command), str(config)

    assert destinations_of(words, {}, config.parent) == Shard(2, 4).owned(NAMES)


def test_shares_by_the_number_of_a_pod(config: Path, command: Path) -> None:
    manifest = yaml_in(PAGE, "kind: StatefulSet")
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    *shell, script = container["command"]
    assert str(manifest["spec"]["replicas"]) == script[-1]
    assert manifest["spec"]["ordinals"]["start"] == 1
    script = script.replace("/config/exporter.yaml", str(config)).replace("9464", str(port))
    environ = {"HOSTNAME": "exporter-3", "PATH": f"{command.parent}:/usr/bin:/bin"}

    assert destinations_of([*shell, script], environ, config.parent, port) == Shard(3, 4).owned(NAMES)


def test_prometheus_finds_the_ports_of_shares() -> None:
    [job] = yaml_in(PAGE, "scrape_configs")["scrape_configs"]
    [static] = job["static_configs"]

    assert static["targets"] == [f"127.0.0.1:{9464 + number}" for number in range(1, 5)]
