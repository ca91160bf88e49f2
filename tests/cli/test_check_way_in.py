"""``exporter check`` on a configuration with the way in: what is declared, and none of its secrets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from certificates import Authority
from typer.testing import CliRunner, Result

from exporter.cli.commands import command_line
from exporter.settings.tree import Settings
from exporter.source.control.objects.resource import Kind, Origin, Resource, document_of
from exporter.state.kinds import open_state
from exporter.state.made_objects import MadeObject

CONFIG = Path(__file__).parents[2] / "config" / "tutorial.yaml"
INLET = "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"


def check(config: Path, *options: str) -> Result:
    return CliRunner().invoke(command_line(["check", "send"]), ["check", "--config", str(config), *options])


def written(folder: Path, config: dict[str, Any]) -> Path:
    file = folder / "exporter.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file


def test_each_part_has_a_line_and_the_end_counts_them() -> None:
    done = check(CONFIG)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "source       acme: inlet 667b41cf, datasets 604a18a3bae67d18db6d258c" in lines
    assert "  flow       acme-xdm: dataset 637eb7fadc8a211b6312b65b, no mapping" in lines
    for part in ("intake", "profiles", "schema", "dataset", "mapping set"):
        assert any(line.startswith(f"{part:<12} ") for line in lines), part
    assert lines[-1] == (
        "the configuration is valid; 1 enabled; 3 sources, 5 flows, 1 schema, 2 mapping sets, 2 datasets"
    )
    assert INLET not in done.output


def test_for_scripts_by_the_names_of_the_sections() -> None:
    done = check(CONFIG, "--json")
    document = json.loads(done.stdout)
    acme, *_ = document["sources"]
    assert (acme["inlet"], acme["flows"][0]["dataset"]) == ("667b41cf", "637eb7fadc8a211b6312b65b")
    assert (document["intake"]["kind"], document["mappings"][1]["mappings"]) == ("journal", 9)
    assert INLET not in done.output


def test_destinations_that_are_named_are_shown_alone(tmp_path: Path) -> None:
    done = check(CONFIG, "--destination", "local")
    assert "acme" not in done.stdout
    assert done.stdout.splitlines()[-1] == "the configuration is valid; 1 enabled"
    assert "sources" not in json.loads(check(CONFIG, "--destination", "local", "--json").stdout)
    assert "intake" not in check(written(tmp_path, {}), "--json").stdout


def test_a_way_in_without_sources_has_a_note(tmp_path: Path) -> None:
    note = "note: no source is configured: `exporter serve` takes records only at connections that are made by API"
    assert note in check(written(tmp_path, {"serve": {"port": 8095}})).stderr
    assert "no source" not in check(written(tmp_path, {})).stderr


SCHEMA = {"id": "s", "fields": {"id": "string"}, "identities": [{"path": "id", "namespace": "Key", "primary": True}]}


@pytest.mark.parametrize(
    ("declared", "ok", "detail"),
    [
        ({"schemas": [SCHEMA]}, True, "1 object made by API"),
        ({"schemas": [SCHEMA], "datasets": [{"id": "people", "schema": "s"}]}, False, "dataSets people: is declared"),
        ({}, False, "datasets people schema s: there is no schema"),
    ],
)
def test_what_was_made_by_api_goes_with_what_is_declared(
    tmp_path: Path, declared: dict[str, Any], ok: bool, detail: str
) -> None:
    paths = {name: {"path": str(tmp_path / f"{name}.db")} for name in ("queue", "state", "intake", "profiles")}
    config = written(tmp_path, {**paths, **declared})

    def looked_over() -> dict[str, tuple[bool, str]]:
        steps = json.loads(check(config, "--connect", "--json").stdout)["connect"]
        return {step["what"]: (step["ok"], step["detail"]) for step in steps}

    assert {"intake", "objects"}.isdisjoint(looked_over())
    fields = {"name": "people", "schemaRef": {"id": "s"}, "tags": {}, "version": "1.0.0"}
    dataset = Resource(Kind.DATASET, "people", fields, Origin(0), Origin(0), str(uuid4()))

    async def made() -> None:
        settings = Settings.model_validate(paths)
        async with open_state(settings.state) as state:
            put = [
                MadeObject(Kind.DATASET, "people", document_of(dataset)),
                # Nobody made that.
                MadeObject(Kind.INTAKE, "intake", document_of(replace(dataset, kind=Kind.INTAKE))),
            ]
            await state.made_objects.write(put, [], await state.made_objects.revision())

    asyncio.run(made())
    found = looked_over()
    assert found["objects"][0] is ok
    assert detail in found["objects"][1]
    # What is made by API takes records, too.
    assert found["intake"][0]


def test_what_was_made_on_a_connection_whose_id_was_made_is_compiled(tmp_path: Path) -> None:
    paths = {name: {"path": str(tmp_path / f"{name}.db")} for name in ("queue", "state", "intake", "profiles")}
    declared = {"schemas": [SCHEMA], "datasets": [{"id": "people", "schema": "s"}]}
    declared |= {"sources": [{"name": "crm", "flows": [{"name": "xdm", "dataset": "people"}]}]}
    connection, flow = str(uuid4()), str(uuid4())
    spec = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
    made: dict[Kind, dict[str, Any]] = {
        Kind.SOURCE_CONNECTION: {"name": "s", "baseConnectionId": connection, "connectionSpec": spec},
        Kind.TARGET_CONNECTION: {"name": "t", "params": {"dataSetId": "gone"}},
        Kind.FLOW: {
            "name": "f",
            "sourceConnectionIds": [Kind.SOURCE_CONNECTION],
            "targetConnectionIds": [Kind.TARGET_CONNECTION],
            "state": "enabled",
        },
    }

    async def make() -> None:
        async with open_state(Settings.model_validate(paths).state) as state:
            await state.made_ids.settled({"connection/crm": connection})
            put = []
            for kind, fields in made.items():
                name = flow if kind is Kind.FLOW else kind
                document = document_of(Resource(kind, name, fields, Origin(0), Origin(0), str(uuid4())))
                put.append(MadeObject(kind, name, document))
            await state.made_objects.write(put, [], await state.made_objects.revision())

    asyncio.run(make())
    done = check(written(tmp_path, {**paths, **declared}), "--connect", "--json")
    [found] = [each for each in json.loads(done.stdout)["connect"] if each["what"] == "objects"]
    assert not found["ok"]
    assert f"flows {flow} dataset gone: there is no dataset with this id" in found["detail"]


@pytest.mark.parametrize(
    ("serve", "line", "answers"),
    [
        ({}, "token endpoints, and no clients: nobody gets a token; tokens are good for 1d", True),
        ({"ims": None}, "no token endpoints", False),
        ({"api": {"host": "0.0.0.0", "auth": "tokens"}}, "no token endpoints", False),
        ({"ims": {"open": True}}, "open: any client and secret get a token; tokens are good for 1d", True),
        (
            {"ims": {"clients": [{"client_id": "acme", "secret": "hunter2-hunter2", "org": "a"}], "lifetime": "90s"}},
            "tokens for acme; tokens are good for 90s",
            True,
        ),
    ],
)
def test_who_gets_tokens_is_said(tmp_path: Path, serve: dict[str, Any], line: str, answers: bool) -> None:
    declared = {"serve": serve, "schemas": [{"id": "s", "fields": {"id": "string"}}]}
    done = check(written(tmp_path, declared))
    assert done.exit_code == 0, done.output
    assert f"ims          {line}" in done.stdout.splitlines()
    assert "hunter2" not in done.output
    assert json.loads(check(written(tmp_path, declared), "--json").stdout)["ims"]["answers"] is answers


def test_what_is_out_of_the_ordinary_is_said(tmp_path: Path) -> None:
    flows = [{"name": "raw", "dataset": "d", "enabled": False}]
    source = {"name": "crm", "authentication": True, "key": "id", "deletes": True, "flows": flows}
    tokens = {"static": [{"name": "loader", "token": "hunter2-hunter2"}]}
    config = {
        "serve": {"tokens": tokens},
        "schemas": [{"id": "s", "fields": {"id": "string"}}],
        "datasets": [{"id": "d", "schema": "s", "profile": False, "upsert": True, "validate": False}],
        "sources": [source],
    }
    done = check(written(tmp_path, config))
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "source       crm: inlet made once and kept in state, token demanded, key id, may delete" in lines
    assert "  flow       raw (switched off): dataset d, no mapping" in lines
    assert "dataset      d: schema s, its records reach no profile, records merge, not validated" in lines
    assert "1 flow (1 switched off)" in lines[-1]
    assert "hunter2" not in done.output


def test_a_certificate_that_cannot_be_served_with_is_told_of_before_the_start(tmp_path: Path) -> None:
    pair = Authority(tmp_path).sign("127.0.0.1")
    whole = pair.certificate.read_text()
    pair.certificate.write_text(whole[: len(whole) // 2])
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["serve"]["tls"] = {"cert_file": str(pair.certificate), "key_file": str(pair.key)}
    config["destinations"] = []
    file = written(tmp_path, config)
    why = f"serve.tls: {pair.certificate}: no PEM certificate with an unencrypted key"
    done = check(file)
    assert (
        f"note: {why}: as long as this is so, `exporter serve` does not start, and a reload is refused" in done.stderr
    )
    connected = check(file, "--connect")
    assert connected.exit_code == 1
    assert f"FAILED  certificate: {why}" in connected.stdout
    assert connected.output.count(why) == 1


MISTAKEN = """\
serve: {max_body: nope}
queue: {kind: journal, path: same.db}
state: {path: same.db}
schemas:
  - id: s
    fields: {name: strin, _acme.key: string}
    identities: [{path: name, namespace: A, primary: true}, {path: _acme.key, namespace: Key, primary: true}]
  - id: ok
    fields: {_acme.key: string, age: integer}
    identities: [{path: gone.x, namespace: Z}]
datasets: [{id: d, schema: nowhere}, {id: e, schema: ok}]
mappings:
  - {id: m, schema: ok, mappings: {_acme.key: "split(name", age: "nofunc(a)"}}
sources: [{name: a, flows: [{name: f, dataset: zz, mapping: yy}]}]
"""


def test_mistakes_of_every_part_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(MISTAKEN, encoding="utf-8")
    done = check(file)
    assert done.exit_code == 78
    *lines, count = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "serve.max_body",
        "state.path",
        "schemas[0].fields.name",
        "schemas[0].identities[1].primary",
        "schemas[1].identities[0].path",
        "datasets[0].schema",
        "mappings[0].mappings._acme.key",
        "mappings[0].mappings.age",
        "sources[0].flows[0].dataset",
        "sources[0].flows[0].mapping",
    ]
    assert count == "10 mistakes in the configuration"
