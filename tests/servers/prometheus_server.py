"""A real Prometheus for tests, on a port and in a folder of its own, and promtool."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ports import free_port
from processes import eventually

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")

needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None,
    reason="prometheus or promtool is not on the PATH (Debian: apt-get install prometheus)",
)


def promtool(*words: str | Path, said: bytes = b"") -> str:
    """What promtool prints, given ``said`` on its standard input. Raises AssertionError where it finds fault."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *words], input=said, capture_output=True, timeout=60)
    printed = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, printed
    return printed


class PrometheusServer:
    """What it has scraped, and the alerts that it holds."""

    def __init__(self, port: int) -> None:
        self.port = port

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant vector; a scalar is one without labels. Raises AssertionError for a mistake."""
        data = self._asked("query", query=expression)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        series: list[dict[str, Any]] = data["result"]
        return series

    def value(self, expression: str) -> float:
        """The greatest value of all series; 0 where there is none."""
        return max((float(each["value"][1]) for each in self.query(expression)), default=0.0)

    def firing(self) -> dict[str, list[dict[str, Any]]]:
        """The alerts that fire now, by name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self._asked("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found

    def _asked(self, what: str, **parameters: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                said = json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise AssertionError(f"{parameters}: {refusal.read().decode()}") from None
        data: dict[str, Any] = said["data"]
        return data


@contextmanager
def running(folder: Path, config: Mapping[str, Any]) -> Iterator[PrometheusServer]:
    """One with that configuration, which stands in ``folder``, for the length of a test."""
    assert PROMETHEUS is not None
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    server = PrometheusServer(free_port())
    options = (
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{server.port}",
        "--log.level=warn",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([PROMETHEUS, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:

        def ready() -> bool:
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/-/ready", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        eventually("Prometheus is ready", ready)
        yield server
    finally:
        process.kill()
        process.wait()
