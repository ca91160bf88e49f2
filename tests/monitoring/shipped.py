"""What config/monitoring has, as tests read it: the alert rules, and the expressions of the dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config/monitoring"
ALERTS = FOLDER / "alerts.yaml"
DASHBOARD = FOLDER / "dashboard.json"

#: What takes the place of durations and thresholds where a test cannot wait for a quarter of an hour.
_HASTENED = (
    (re.compile(r"(?<= for: )\w+"), "2s"),
    (re.compile(r"(?<=process_start_time_seconds\{job=~\"exporter\|exporter-serve\"\}\[)\w+(?=\])"), "40s"),
    (re.compile(r"(?<=\[)(?!40s)\d+[smhd](?=\])|(?<= offset )\w+"), "12s"),
    (re.compile(r"(_seconds\) >) \d+"), r"\1 3"),
    (re.compile(r"(exporter_queue_lag\) >) \d+"), r"\1 200"),
)


def alerts() -> dict[str, dict[str, Any]]:
    """The rules by the names of their alerts."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    found = {rule["alert"]: rule for rule in rules}
    assert len(found) == len(rules)
    return found


def hastened() -> str:
    """The rules with seconds in the place of minutes, hours and days, and with lower thresholds of age and lag."""
    text = ALERTS.read_text(encoding="utf-8")
    for pattern, instead in _HASTENED:
        text, count = pattern.subn(instead, text)
        assert count, pattern
    return text


def panels(parent: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """All panels of the dashboard, those of closed rows included."""
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8")) if parent is None else parent
    for panel in dashboard.get("panels", []):
        yield panel
        yield from panels(panel)


def expressions() -> dict[str, str]:
    """The dashboard's expressions, by panel and letter."""
    return {
        f"{panel['title']}/{target['refId']}": target["expr"]
        for panel in panels()
        for target in panel.get("targets", [])
    }
