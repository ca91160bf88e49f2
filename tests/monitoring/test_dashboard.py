"""The shipped dashboard: whole by Grafana's own types, nothing overlaps, and all of it reads the chosen data source."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import jsonschema
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from shipped import DASHBOARD, panels

WHOLE: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
WIDTH = 24
#: What Grafana has by itself in expressions.
BUILT_IN = {"__rate_interval"}

_TEXT = {"type": "string", "minLength": 1}
_SOURCE = {"const": {"type": "prometheus", "uid": "${datasource}"}}
_PLACE = {
    "type": "object",
    "properties": {
        "x": {"type": "integer", "minimum": 0, "maximum": WIDTH - 1},
        "y": {"type": "integer", "minimum": 0},
        "w": {"type": "integer", "minimum": 1, "maximum": WIDTH},
        "h": {"type": "integer", "minimum": 1},
    },
    "required": ["x", "y", "w", "h"],
    "additionalProperties": False,
}
_TARGET = {
    "type": "object",
    "properties": {"refId": {"pattern": "^[A-Z]$"}, "datasource": _SOURCE, "expr": _TEXT, "legendFormat": {}},
    "required": ["refId", "datasource", "expr", "legendFormat", "range", "instant"],
}
_ROW = {
    "type": "object",
    "properties": {"type": {"const": "row"}, "title": _TEXT, "gridPos": _PLACE, "panels": {"const": []}},
    "required": ["id", "type", "title", "gridPos", "collapsed", "panels"],
}
_PANEL = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["stat", "state-timeline", "table", "timeseries"]},
        "title": _TEXT,
        "description": _TEXT,
        "datasource": _SOURCE,
        "gridPos": _PLACE,
        "targets": {"type": "array", "items": _TARGET, "minItems": 1},
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
    },
    "required": ["id", "type", "title", "description", "datasource", "gridPos", "targets", "fieldConfig", "options"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "uid": {"pattern": "^[a-z-]{1,40}$"},
        "title": _TEXT,
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "items": {"oneOf": [_ROW, _PANEL]}, "minItems": 1},
        "id": False,
    },
    "required": ["uid", "title", "schemaVersion", "panels", "templating", "time", "refresh", "tags"],
}


def lost(written: Any, read: Any, path: str = "") -> Iterator[str]:
    """What of ``written`` is not in ``read``."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            if key in read:
                yield from lost(value, read[key], f"{path}/{key}")
            else:
                yield f"{path}/{key}"
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for place, (each, other) in enumerate(zip(written, read, strict=True)):
            yield from lost(each, other, f"{path}/{place}")
    elif written != read:
        yield path


def read_by_grafana(dashboard: dict[str, Any]) -> Any:
    """As Grafana's types have it: what they do not know is lost."""
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))


def test_grafana_s_types_know_all_of_it() -> None:
    assert list(lost(WHOLE, read_by_grafana(WHOLE))) == []


@pytest.mark.parametrize("key", ["tittle", "gridPosition"])
def test_they_do_not_know_what_is_misspelt(key: str) -> None:
    wrong = {**WHOLE, "panels": [{**WHOLE["panels"][1], key: {}}]}
    assert list(lost(wrong, read_by_grafana(wrong))) == [f"/panels/0/{key}"]


def test_its_structure() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(WHOLE)] == []


def test_ids_titles_and_letters_come_once() -> None:
    found = list(panels())
    assert len(found) > 30
    assert [number for number, count in Counter(panel["id"] for panel in found).items() if count > 1] == []
    rows = [panel["title"] for panel in found if panel["type"] == "row"]
    assert rows == ["Overview", "Delivery", "Backlog", "The way in", "Processes"]
    for panel in found:
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(letters)) == len(letters)


def test_no_two_panels_overlap_and_none_leaves_the_grid() -> None:
    places = {panel["id"]: panel["gridPos"] for panel in panels()}
    assert [place for place in places.values() if place["x"] + place["w"] > WIDTH] == []
    for one, other in combinations(places.values(), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_variable_is_there_and_used() -> None:
    named = [variable["name"] for variable in WHOLE["templating"]["list"]]
    used = set(re.findall(r"\$\{?(\w+)", json.dumps([WHOLE["panels"], WHOLE["annotations"]])))
    assert used - BUILT_IN == set(named)
    assert named[0] == "datasource"
    for variable in WHOLE["templating"]["list"][1:]:
        assert variable["datasource"] == _SOURCE["const"]
    assert '"uid": "' not in json.dumps(WHOLE["panels"]).replace('"uid": "${datasource}"', "")
