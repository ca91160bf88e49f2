"""The tests of the shipped configuration, as a user runs them, without secrets; and the schema that they fulfil."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]


def exporter(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("EXPORTER", "PARTNER"))}
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        cwd=ROOT, env=environ | variables, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "files"),
    [
        ({}, {"config/exporter.test.yaml"}),
        (
            {"EXPORTER__DESTINATIONS_DIR": "config/destinations"},
            {"config/exporter.test.yaml", "config/destinations/examples.test.yaml"},
        ),
    ],
)
def test_they_pass(variables: dict[str, str], files: set[str]) -> None:
    done = exporter("test", "--json", **variables)
    assert done.returncode == 0, done.stderr + done.stdout
    assert {json.loads(line)["file"] for line in done.stdout.splitlines()} == files


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exporter("schema", "--tests").stdout)
    return found


def test_they_fulfil_the_schema_whose_every_key_has_a_description(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    files = [*(ROOT / "config").glob("*.test.yaml"), *(ROOT / "config" / "destinations").glob("*.test.yaml")]
    assert len(files) == 2
    for file in files:
        # Times are text, as `exporter test` has it.
        jsonschema.validate(yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader), of_text(schema))
    for section in (schema, *schema["$defs"].values()):
        assert [key for key, field in section["properties"].items() if not field.get("description")] == []


def of_text(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema for a loader that knows neither null nor numbers, but only text."""
    loose: dict[str, Any] = json.loads(json.dumps(schema).replace('{"type": "null"}', '{"const": ""}'))
    return loose


@pytest.mark.parametrize(
    "mistake",
    [{}, {"tests": []}, {"tests": [{"name": "n", "expect": {"crm": {"exclude": "x"}}}]}, {"tests": [{"name": "n"}]}],
)
def test_mistakes_do_not_fulfil_it(schema: dict[str, Any], mistake: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(mistake, schema)
