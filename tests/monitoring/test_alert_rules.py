"""The shipped alert rules: what they read exists, each has its timing tried by promtool, and a place in the runbook."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from prometheus_server import needs_prometheus, promtool
from shipped import ALERTS, FOLDER, ROOT, alerts, expressions

from exporter.telemetry.families.destination import DESTINATION
from exporter.telemetry.families.family import Family
from exporter.telemetry.families.process import PROCESS, SYSTEM
from exporter.telemetry.families.source import SOURCE

FAMILIES: dict[str, Family] = {**DESTINATION, **SOURCE, **PROCESS, **SYSTEM}
#: By the names that queries use.
SHOWN = {family.shown: family for family in FAMILIES.values()}
#: What Prometheus gives to every target.
OF_PROMETHEUS = {"job", "instance", "shard", "le"}
_SELECTOR = re.compile(r"\b((?:exporter|process)_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|=|!=|!~)"([^"]*)"')
TESTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text(encoding="utf-8"))["tests"]


def wrong_with(expression: str) -> list[str]:
    """Metrics, labels and values of labels in it that there are not."""
    found = []
    for name, matchers in _SELECTOR.findall(expression):
        family = SHOWN.get(re.sub(r"_(bucket|sum|count)$", "", name)) or SHOWN.get(name)
        if family is None:
            found.append(name)
            continue
        for label, operator, value in _MATCHER.findall(matchers):
            if label not in family.labels and label not in OF_PROMETHEUS:
                found.append(f"{name}: {label}")
            listed = family.labels.get(label, ())
            values = value.split("|") if "~" in operator else [value]
            found += [f"{name}: {label}={each}" for each in values if listed and "$" not in each and each not in listed]
    return found


@pytest.mark.parametrize("name", alerts())
def test_what_a_rule_reads_is_there(name: str) -> None:
    rule = alerts()[name]
    assert wrong_with(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"].keys() == {"summary", "runbook"}


def test_what_the_dashboard_reads_is_there() -> None:
    assert {name: wrong for name, text in expressions().items() if (wrong := wrong_with(text))} == {}


def test_the_check_sees_what_it_looks_for() -> None:
    assert wrong_with('exporter_nothing{job="x"}') == ["exporter_nothing"]
    assert wrong_with('exporter_paused{reason=~"queue|hunger", flow="x"}') == [
        "exporter_paused: reason=hunger",
        "exporter_paused: flow",
    ]
    assert wrong_with("rate(exporter_attempts[5m])") == ["exporter_attempts"]


def test_each_alert_has_a_heading_of_two_lines_or_more_in_the_runbook() -> None:
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (Exporter\w+)\n\n((?:.+\n){2,})", page, re.MULTILINE)
    assert [name for name, _ in headings] == list(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{name.lower()}"


def test_each_alert_is_made_to_fire_and_to_stay_silent() -> None:
    tried = [each for test in TESTS for each in test["alert_rule_test"]]
    for name in alerts():
        outcomes = {bool(each["exp_alerts"]) for each in tried if each["alertname"] == name}
        assert outcomes == {True, False}, name


@needs_prometheus
def test_promtool_finds_no_fault() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)
    promtool("test", "rules", FOLDER / "alerts.test.yaml")
