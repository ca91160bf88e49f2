"""``exporter schema`` prints JSON Schemas that accept what ``check`` accepts; the repository has them for editors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exporter.settings.loading.load import Loaded, load
from exporter.settings.schema import configuration_schema, destination_schema

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")

OAUTH = {"kind": "oauth2_client_credentials", "token_url": "https://t.example/", "client_id": "c", "client_secret": "s"}


class Plain(yaml.SafeLoader):
    """YAML as an editor sees it: ``!file PATH`` is the text of the path."""


Plain.add_constructor("!file", lambda loader, node: node.value)


def plain(text: str) -> Any:
    def without_times(value: Any) -> Any:
        match value:
            case dict():
                return {key: without_times(item) for key, item in value.items()}
            case list():
                return [without_times(item) for item in value]
            case date():
                return value.isoformat()  # to a language server it is text
            case _:
                return value

    return without_times(yaml.load(text, Plain))


SCHEMA = configuration_schema()
CONFIGURATION = jsonschema.Draft202012Validator(SCHEMA)
DESTINATION = jsonschema.Draft202012Validator(destination_schema())


@pytest.mark.parametrize(
    ("option", "file"),
    [([], "exporter.json"), (["--destination"], "destination.json"), (["--tests"], "tests.json")],
)
def test_the_repository_has_what_is_printed(option: list[str], file: str) -> None:
    """After a change of the settings: ``exporter schema [--destination|--tests] > config/schema/…``."""
    command = [sys.executable, "-m", "exporter", "schema", *option]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert printed.stderr == b""
    assert printed.stdout.decode() == (CONFIG / "schema" / file).read_text(encoding="utf-8")


def test_one_at_a_time() -> None:
    command = [sys.executable, "-m", "exporter", "schema", "--openapi", "--tests"]
    refused = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"give one of" in refused.stderr


@pytest.mark.parametrize("found", [CONFIGURATION.schema, DESTINATION.schema])
def test_it_is_a_schema_that_says_how_values_come_in(found: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(found)
    for words in ("!file", "${NAME}"):
        assert words in found["description"]


def test_the_main_file_s_says_what_the_environment_overrides() -> None:
    assert "EXPORTER__" in SCHEMA["description"]


def test_every_key_has_a_description() -> None:
    sections = {"": SCHEMA, **SCHEMA["$defs"]}
    bare = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, field in section.get("properties", {}).items()
        if key != "kind" and not field.get("description")
    ]
    assert bare == []


def shipped() -> list[Path]:
    """Every file of the repository that is a configuration, or one destination."""
    return [
        *(CONFIG / name for name in ("exporter.yaml", "demo.yaml", "compose/exporter.yaml")),
        *(file for file in sorted((CONFIG / "destinations").glob("*.yaml")) if not file.name.endswith(".test.yaml")),
    ]


@pytest.mark.parametrize("file", shipped(), ids=lambda file: str(file.relative_to(CONFIG)))
def test_every_shipped_file_names_its_schema_and_fulfils_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = MODELINE.match(text)
    assert named is not None
    is_destination = file.parent.name == "destinations"
    assert (
        file.parent / named[1]
    ).resolve() == CONFIG / f"schema/{'destination' if is_destination else 'exporter'}.json"
    (DESTINATION if is_destination else CONFIGURATION).validate(plain(text))


def documented() -> list[tuple[str, str]]:
    """Every configuration in the pages and in the manifests, with the place of it."""
    found = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if page.name == "kubernetes.md":  # values of the chart
            continue
        blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        found += [
            (f"{page.name}-{number}", block)
            for number, block in enumerate(blocks)
            # Those are for Prometheus, Kubernetes and ``exporter test``.
            if not re.search("^(scrape_configs|apiVersion|tests):", block, re.MULTILINE)
        ]
    for manifest in sorted((CONFIG / "kubernetes").rglob("exporter.yaml")):
        for document in yaml.safe_load_all(manifest.read_text(encoding="utf-8")):
            if document["kind"] == "ConfigMap":
                found.append((str(manifest.relative_to(CONFIG)), document["data"]["exporter.yaml"]))
    return found


@pytest.mark.parametrize("text", [text for _, text in documented()], ids=[place for place, _ in documented()])
def test_the_configurations_of_the_pages_fulfil_it(text: str) -> None:
    CONFIGURATION.validate(plain(text))


def test_there_are_such_pages() -> None:
    assert len(documented()) > 8


#: What ``check`` accepts, as people may write it.
ACCEPTED = [
    "{}",
    "queue: {path: '~/q.db', max_bytes: '${ROOM:-10GiB}', retain: 7d}\nstate: {kind: '${KIND}', path: s.db}",
    "queue: {kind: '${QUEUE}'}",
    "queue:\n  kind: kafka\n  tls: ${NOTHING}\n  session_timeout: 10s\n  commit_interval: 25ms\n  fetch_max_bytes: 1Mi",
    "destinations:\n  - name: ${NAME}\n    endpoint: https://a.example/\n    proxy: ${NOTHING}\n    tls: {ca_file: ~}",
    "queue: {kind: nats, create: 'yes', replicas: '3', max_age: 7d, password: !file secret, user: 5}",
    "queue: {kind: redis, url: !file url}\nstate: {kind: redis, url: 'redis://127.0.0.1/${N}', key_prefix: 5}",
    "ops: {port: '${N}', host: 0.0.0.0}\ndrain: '${SECONDS}'\nmemory: 64Mi\nmax_event_bytes: 1.5MB",
    "segments: [{id: 5, name: 2026-01-01, created_at: '5', updated_at: '${N}'}]",
    "destinations_dir: '${NOTHING}'\nsegments_file: null",
    "defaults: {enabled: no, headers: {x-number: 1.10, x-no: NO, x: '${X}'}, auth: {client_id: 5}}",
    "defaults: {delivery: {window: {bytes: 5MiB}}, segments: [a]}",
    "defaults: {auth: {kind: oauth2_client_credentials, token_url: 'https://t.example/'}}\n"
    "destinations: [{name: a, endpoint: 'https://a.example/', auth: {client_id: c, client_secret: s}}]",
    "defaults: {auth: {token_url: 'https://t.example/', client_id: c}}\ndestinations: [{name: a, endpoint: "
    "'https://a.example/', auth: {kind: oauth2_client_credentials, client_secret: s}}]",
    "defaults: {endpoint: 'https://a.example/'}\ndestinations: [{name: a}, {name: b}]",
    *(
        "destinations:\n  - {name: '${NAME}', endpoint: 'https://a.example/', " + keys + "}"
        for keys in (
            "enabled: '${SWITCH}', include_segment_names: on, position_header: '0', require_membership: 'False'",
            "start: '${START}', segment_membership: mapped, activate_on: {segments: '${SWITCH}'}",
            "delivery: {rate: '${RATE}', concurrency: '${N}', retries: ['${N}', 1.5m, 3], transport: '${TRANSPORT}'}",
            "delivery: {rate: 100/10s, timeout: 500ms, window: {events: '50'}, dead_letters_max_bytes: '${ROOM}'}",
            "headers: 'a:b', query: 'a=${N}', segments: [x, 5, {id: y, mapping_created_at: '${N}'}], attributes: [a.5]",
            "headers: {a: 5, b: true}, query: {a: 5}, description: 7, identity_fields: [primary]",
            "auth: {kind: bearer, token: 12345}",
            "auth: {kind: bearer, token: !file secret}, tls: {ca_file: '${CA}'}",
            "auth: {kind: oauth2_client_credentials, token_url: 'https://t.example/${N}', client_id: 5, "
            "client_secret: !file secret, refresh_on: ['401', '${STATUS}'], extra: {n: 5, l: [a, 5]}, proxy: none, "
            "audience: [a, 5], scope: '${X}', credentials_in: '${IN}'}",
        )
    ),
    "destinations:\n  - {name: a, endpoint: !file url}",
]
ENVIRONMENT = {
    "KIND": "sqlite",
    "QUEUE": "memory",
    "NOTHING": "null",
    "N": "3",
    "SECONDS": "15s",
    "X": "x",
    "NAME": "crm",
    "SWITCH": "off",
    "START": "latest",
    "RATE": "5/m",
    "TRANSPORT": "lean",
    "ROOM": "1GiB",
    "STATUS": "403",
    "IN": "basic",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_check_accepts_fulfils_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "ca.pem").write_text("x")
    (tmp_path / "url").write_text("redis://127.0.0.1/0" if "redis" in text else "https://a.example/")
    file = tmp_path / "exporter.yaml"
    file.write_text(text)
    found = load(file, {**ENVIRONMENT, "CA": "ca.pem"})
    assert isinstance(found, Loaded), found.render()
    CONFIGURATION.validate(plain(text))


#: What ``check`` refuses, and an editor should underline.
REFUSED = [
    "que: {}",
    "ops: {port: 70000}",
    "ops: {port: http}",
    "drain: soon",
    "drain: -1",
    "memory: lots",
    "queue: {kind: rabbit}",
    "queue: {url: redis://127.0.0.1/}",
    "queue: {kind: redis, path: q.db}",
    "queue: {kind: kafka, session_timeout: 10x}",
    "queue: journal",
    "state: {kind: sqlite, url: redis://127.0.0.1/}",
    "defaults: {delivery: {rate: fast}}",
    "defaults: {name: a}",
    "defaults: {auth: {kind: bearer, tokn: x}}",
    "segments: [{name: a}]",
    "destinations: {name: a}",
    "destinations: [{name: a}]",
    *(
        "destinations:\n  - {name: a, endpoint: 'https://a.example/', " + keys + "}"
        for keys in (
            "auth: {kind: bearer}",
            "auth: {token: x}",
            "auth: {kind: none, token: x}",
            "headers: ['a:b']",
            "enabled: maybe",
            "start: now",
            "segments: a",
            "delivery: {rate: fast}",
            "delivery: {rate: 0}",
            "delivery: {retries: []}",
            "delivery: {concurrency: 1.5}",
            "tls: {verify: false}",
            "proxy: ftp://p.example:1",
            "auth: {kind: oauth2_password, token_url: 'https://t.example/', client_id: c, client_secret: s}",
        )
    ),
    "destinations: [{name: 'a b', endpoint: 'https://a.example/'}]",
    "destinations: [{name: a, endpoint: 'ftp://a.example/'}]",
    *(
        json.dumps({"destinations": [{"name": "a", "endpoint": "https://a.example/", "auth": {**OAUTH, key: value}}]})
        for key, value in (("extra", {"x": []}), ("extra", {"x": {}}), ("proxy", "p://"), ("tls", {"verify": False}))
    ),
]


@pytest.mark.parametrize("text", REFUSED)
def test_mistakes_do_not_fulfil_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(text)
    assert not isinstance(load(file, {}), Loaded)
    with pytest.raises(jsonschema.ValidationError):
        CONFIGURATION.validate(plain(text))


@pytest.mark.parametrize("auth", [{"client_id": "c"}, {"kind": "oauth2_client_credentials", "client_secret": "s"}])
def test_the_file_of_a_destination_may_leave_its_auth_to_the_defaults(auth: dict[str, str]) -> None:
    DESTINATION.validate({"name": "a", "auth": auth})
    with pytest.raises(jsonschema.ValidationError):
        DESTINATION.validate({"name": "a", "auth": {"kind": "oauth2_client_credentials", "client_idd": "c"}})


def test_both_ways_of_writing_fulfil_it() -> None:
    common = {"name": "a", "endpoint": "https://a.example/"}
    for keys in (
        {"headers": "a:b", "query": "a=b", "segments": ["x", {"id": "y", "mapping_created_at": 5}]},
        {"headers": {"a": "b"}, "query": {"a": "b"}, "delivery": {"window": {"bytes": 5}}},
        {"auth": {**OAUTH, "extra": {"resource": "a", "x": ["b", "c"]}, "audience": ["d"], "tls": {}, "proxy": "none"}},
        {"auth": {**OAUTH, "audience": "d", "tls": None, "proxy": None}},
        {"auth": {**OAUTH, "tls": {"ca_file": "ca.pem"}, "proxy": "http://p.example:3128"}},
    ):
        CONFIGURATION.validate({"destinations": [common | keys], "memory": "1GiB"})
