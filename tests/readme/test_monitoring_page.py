"""docs/monitoring.md: Prometheus takes its configuration, its commands work, its manifest fits the shipped ones."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from clean_clone import ROOT
from fences import Fence, fences
from prometheus_server import needs_prometheus, promtool

PAGE = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
SHELL = [fence for fence in fences(PAGE) if fence.language == "sh"]
ALERTS = ROOT / "config/monitoring/alerts.yaml"


def documents() -> list[dict[str, Any]]:
    return [yaml.safe_load(fence.text) for fence in fences(PAGE) if fence.language == "yaml"]


def pasted(fence: Fence, folder: Path) -> None:
    shutil.copytree(ROOT / "config/monitoring", folder / "config/monitoring", dirs_exist_ok=True)
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", fence.text], cwd=folder, check=True, capture_output=True, timeout=60
    )


def test_every_snippet_is_looked_at_here() -> None:
    assert PAGE.count("\n```") == 2 * len(fences(PAGE))
    assert all(fence.not_run is None for fence in fences(PAGE))
    assert (len(documents()), len(SHELL), len(fences(PAGE))) == (2, 3, 5)


@needs_prometheus
def test_the_configuration_for_prometheus(tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path)
    config = tmp_path / "prometheus.yaml"
    config.write_text(yaml.safe_dump(documents()[0]), encoding="utf-8")
    promtool("check", "config", config)


def test_the_jobs_are_those_that_rules_name() -> None:
    jobs = [job["job_name"] for job in documents()[0]["scrape_configs"]]
    assert f'up{{job=~"{"|".join(jobs)}"}}' in ALERTS.read_text(encoding="utf-8")


def test_the_monitor_finds_the_shipped_services() -> None:
    monitor = documents()[1]["spec"]
    for file in ("exporter.yaml", "source.yaml", "kafka/exporter.yaml"):
        shipped = yaml.safe_load_all((ROOT / "config/kubernetes" / file).read_text(encoding="utf-8"))
        [service] = [each for each in shipped if each["kind"] == "Service"]
        assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        ports = {port["name"] for port in service["spec"]["ports"]}
        assert ports & {endpoint["port"] for endpoint in monitor["endpoints"]} == ports - {"collection"}


def test_the_rules_for_the_operator(tmp_path: Path) -> None:
    pasted(SHELL[0], tmp_path)
    rule = yaml.safe_load((tmp_path / "exporter-rule.yaml").read_text(encoding="utf-8"))
    assert (rule["kind"], rule["spec"]) == ("PrometheusRule", yaml.safe_load(ALERTS.read_text(encoding="utf-8")))


def test_the_runbook_at_an_address_of_ones_own(tmp_path: Path) -> None:
    pasted(SHELL[1], tmp_path)
    text = (tmp_path / "alerts.yaml").read_text(encoding="utf-8")
    assert "docs/monitoring.md#" not in text
    assert "runbook: https://wiki.example.com/exporter-monitoring#exporterpaused\n" in text


@needs_prometheus
@pytest.mark.parametrize("fence", SHELL[2:])
def test_the_rules_are_tried(fence: Fence, tmp_path: Path) -> None:
    pasted(fence, tmp_path)
