"""``exporter source status`` and ``exporter source send``, beside a running ``exporter serve``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Place
from ports import free_port
from processes import Daemon, eventually
from serving import INLET, connected, idle, post, serve, way_in
from typer.testing import CliRunner, Result

from exporter.cli.commands import command_line


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        way_in(place)
        place.config["serve"]["ops"]["port"] = free_port()
        place.write()
        yield place


@pytest.fixture(scope="module")
def serving(place: Place) -> Daemon:
    return serve(place).ready()


def source(config: Path, *words: str, text: str | None = None) -> Result:
    command = ["source", *words, "--config", str(config)]
    return CliRunner().invoke(command_line(["source", "serve"]), command, input=text)


def test_the_status_for_people_and_for_scripts(place: Place, serving: Daemon) -> None:
    with connected(place) as connection:
        assert post(connection, {"id": "status", "n": 1})[0] == 200
    eventually("the record is applied", lambda: serving.alive() and idle(serving))

    def shown() -> list[str]:
        done = source(serving.config, "status")
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    # Profiles are counted every so often.
    eventually("the profile is counted", lambda: any("profiles     1 profile, 1 identity" in line for line in shown()))
    assert shown()[:3] == [
        "state        takes records",
        "sources      crm",
        "intake       0 records to be applied",
    ]
    done = source(serving.config, "status", "--json")
    document = json.loads(done.stdout)
    assert (document["ready"], document["sources"], document["intake_records"]) == (True, ["crm"], 0)
    assert INLET not in done.output


def test_a_running_process_is_asked_while_its_configuration_is_broken(place: Place, serving: Daemon) -> None:
    whole = serving.config.read_text()
    try:
        serving.config.write_text(f"{whole}\nunknown: 1\n")
        done = source(serving.config, "status")
    finally:
        serving.config.write_text(whole)
    assert done.exit_code == 0
    assert "unknown" in done.stderr
    assert "takes records" in done.stdout


def test_where_nothing_or_something_else_answers(place: Place, serving: Daemon, tmp_path: Path) -> None:
    config = tmp_path / "exporter.yaml"
    config.write_text(f"serve: {{ops: {{port: {free_port()}}}}}\n")
    done = source(config, "status")
    assert done.exit_code == 1
    assert "no daemon answers at http://127.0.0.1:" in done.stderr
    config.write_text(f"serve: {{ops: {{port: {serving.port}}}}}\n")
    done = source(config, "status")
    assert done.exit_code == 1
    assert "runs another configuration" in done.stderr
    assert source(config, "status", "--url", f"http://127.0.0.1:{serving.port}").exit_code == 0
    config.write_text("serve: {ops: {port: 0}}\n")
    assert "serve.ops.port is 0" in source(config, "status").stderr
    config.write_text("serve: {ops: {port: none}}\n")
    assert source(config, "status").exit_code == 78
