"""``docs/status.schema.json`` describes what ``/status`` answers, key by key."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import orjson
import pytest

from exporter.daemon.ops.document import document
from exporter.telemetry.latencies import Latencies
from exporter.telemetry.status import ConfigStatus, DataflowStatus, StatusDocument, status_schema

FILE = Path(__file__).parents[2] / "docs/status.schema.json"

BARE = document(1.5, ConfigStatus(), ())
FULL = document(
    1.5,
    ConfigStatus(False, 2.5, ("exporter.yaml:3: drain: should be a number",)),
    [
        DataflowStatus("web", "starting"),
        DataflowStatus("crm", "paused", ("failing",), 3.0, 0.5, "HTTP 503", latency=Latencies(0.1, 0.2, 0.3)),
    ],
)


def test_the_file_is_what_the_types_say() -> None:
    """Where it fails, write ``status_schema()`` to the file, indented by two."""
    assert FILE.read_text(encoding="utf-8") == json.dumps(status_schema(), indent=2, ensure_ascii=False) + "\n"


def test_every_key_is_described() -> None:
    definitions = status_schema()["$defs"]
    keys = {f"{name}.{key}": value for name, each in definitions.items() for key, value in each["properties"].items()}
    assert [key for key, value in keys.items() if "description" not in value and "$ref" not in value] == []


@pytest.mark.parametrize("told", [BARE, FULL])
def test_it_takes_what_is_answered(told: StatusDocument) -> None:
    checker = jsonschema.Draft202012Validator(status_schema())
    answered = orjson.loads(orjson.dumps(told))
    assert list(checker.iter_errors(answered)) == []
    del answered["config"]
    assert [error.validator for error in checker.iter_errors(answered)] == ["required"]
