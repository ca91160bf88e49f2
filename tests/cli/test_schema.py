"""``exporter schema`` prints a JSON Schema that the examples fulfil and that names every key."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

CONFIG = Path(__file__).parents[2] / "config"


OAUTH = {"kind": "oauth2_client_credentials", "token_url": "https://t.example/", "client_id": "c", "client_secret": "s"}


class Plain(yaml.SafeLoader):
    """YAML with ``!file PATH`` as the text that it stands for."""


Plain.add_constructor("!file", lambda loader, node: f"text of {node.value}")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    printed = subprocess.run([sys.executable, "-m", "exporter", "schema"], capture_output=True, check=True, timeout=60)
    assert printed.stderr == b""
    found: dict[str, Any] = json.loads(printed.stdout)
    return found


def test_it_is_a_schema_that_says_how_values_come_in(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    for words in ("!file", "${NAME}", "EXPORTER__"):
        assert words in schema["description"]


def test_every_key_has_a_description(schema: dict[str, Any]) -> None:
    sections = {"": schema, **schema["$defs"]}
    bare = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, field in section["properties"].items()
        if key != "kind" and not field.get("description")
    ]
    assert bare == []


def test_the_examples_fulfil_it(schema: dict[str, Any]) -> None:
    jsonschema.validate(yaml.load((CONFIG / "exporter.yaml").read_text(encoding="utf-8"), Plain), schema)
    destination = {**schema, **schema["$defs"]["Destination"], "$defs": schema["$defs"]}
    files = [file for file in sorted((CONFIG / "destinations").glob("*.yaml")) if ".test." not in file.name]
    assert len(files) == 3
    for file in files:
        jsonschema.validate(yaml.load(file.read_text(encoding="utf-8"), Plain), destination)


@pytest.mark.parametrize(
    "mistake",
    [
        {"que": {}},
        {"ops": {"port": 70_000}},
        {"destinations": [{"name": "a"}]},
        {"destinations": [{"name": "a b", "endpoint": "https://a.example/"}]},
        {"destinations": [{"name": "a", "endpoint": "https://a.example/", "auth": {"kind": "bearer"}}]},
        {"destinations": [{"name": "a", "endpoint": "https://a.example/", "headers": ["a:b"]}]},
        *(
            {"destinations": [{"name": "a", "endpoint": "https://a.example/", "auth": {**OAUTH, key: value}}]}
            for key, value in (("extra", {"x": []}), ("extra", {"x": 7}), ("proxy", "p"), ("tls", {"verify": False}))
        ),
    ],
)
def test_mistakes_do_not_fulfil_it(schema: dict[str, Any], mistake: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(mistake, schema)


def test_both_ways_of_writing_fulfil_it(schema: dict[str, Any]) -> None:
    common = {"name": "a", "endpoint": "https://a.example/"}
    for keys in (
        {"headers": "a:b", "query": "a=b", "segments": ["x", {"id": "y", "mapping_created_at": 5}]},
        {"headers": {"a": "b"}, "query": {"a": "b"}, "delivery": {"window": {"bytes": 5}}},
        {"auth": {**OAUTH, "extra": {"resource": "a", "x": ["b", "c"]}, "audience": ["d"], "tls": {}, "proxy": "none"}},
        {"auth": {**OAUTH, "audience": "d", "tls": None, "proxy": None}},
        {"auth": {**OAUTH, "tls": {"ca_file": "ca.pem"}, "proxy": "http://p.example:3128"}},
    ):
        jsonschema.validate({"destinations": [common | keys], "memory": "1GiB"}, schema)
