"""``exporter source status`` and ``exporter source send``, beside a running ``exporter serve``."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from harness import Place
from ports import free_port
from processes import EXPORTER, PATIENCE_SECONDS, Daemon, eventually
from serving import INLET, SCHEMA, connected, idle, post, serve, way_in
from standard_input import standard_input
from typer.testing import CliRunner, Result

from exporter import __version__
from exporter.cli.commands import command_line
from exporter.source.control.flow_service.specs import DATA_LAKE, HTTP_API, WITHOUT_TRANSFORMATION

TOKEN = "token-of-the-loader"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        way_in(place)
        place.config["serve"]["ops"]["port"] = free_port()
        place.config["serve"]["tokens"] = {"static": [{"name": "loader", "token": TOKEN}]}
        flows = [{"name": "other", "dataset": "people", "mapping": "raw"}]
        place.config["sources"].append({"name": "made", "authentication": True, "flows": flows})
        place.write()
        yield place


@pytest.fixture(scope="module")
def serving(place: Place) -> Daemon:
    return serve(place).ready()


def source(config: Path, *words: str, text: str | None = None) -> Result:
    command = ["source", *words, "--config", str(config)]
    with standard_input((text or "").encode()):
        return CliRunner().invoke(command_line(["source", "serve"]), command)


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
        "sources      crm, made",
        "intake       0 records to be applied",
    ]

    def flow(name: str) -> list[str]:
        return next(line.split() for line in shown() if line.startswith(f"{name} "))

    # The hour may end meanwhile.
    eventually("the run is counted", lambda: flow("raw")[-2:] == ["1", "0"])
    assert flow("other") == ["other", "enabled", "0", "0", "0", "0"]
    done = source(serving.config, "status", "--json")
    document = json.loads(done.stdout)
    assert (document["ready"], document["sources"], document["intake_records"]) == (True, ["crm", "made"], 0)
    build = document["build"]
    assert (document["version"], build["kind"], build["projector"]) == (__version__, "interpreted", "python")
    assert build["why"] == "it runs from its sources, or was built without build hooks"
    assert 0 < document["started_at"] <= time.time()
    assert INLET not in done.output


def test_what_was_made_by_api_is_shown_beside_what_is_declared(place: Place, serving: Daemon) -> None:
    api = f"http://127.0.0.1:{place.config['serve']['api']['port']}/data/foundation"

    def made(kind: str, body: dict[str, Any]) -> str:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{api}/{kind}", json.dumps({"name": "by API", **body}).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            document = json.loads(answer.read())
        return str(document[0].rpartition("/")[2] if isinstance(document, list) else document["id"])

    http = {"connectionSpec": {"id": HTTP_API, "version": "1.0"}}
    auth = {"specName": "Streaming Connection", "params": {}}
    base = made("flowservice/connections", {**http, "auth": auth})
    begins = made("flowservice/sourceConnections", {**http, "baseConnectionId": base})
    lake = {"connectionSpec": {"id": DATA_LAKE, "version": "1.0"}}
    dataset = made("catalog/dataSets", {"schemaRef": {"id": SCHEMA}})
    ends = made("flowservice/targetConnections", {**lake, "params": {"dataSetId": dataset}})
    plain = {"flowSpec": {"id": WITHOUT_TRANSFORMATION, "version": "1.0"}}
    flow = made("flowservice/flows", {**plain, "sourceConnectionIds": [begins], "targetConnectionIds": [ends]})
    lines = source(serving.config, "status").stdout.splitlines()
    assert f"sources      crm, made, by-api-{base[:8]}" in lines
    assert "connections  2 declared, 1 made by API" in lines
    assert "mapping sets 1 declared" in lines
    assert "datasets     1 declared, 1 made by API" in lines
    [row] = (line for line in lines if line.startswith("by API "))
    assert row.split() == ["by", "API", "enabled,", "made", "by", "API", "0", "0", "0", "0"]
    assert sum(" enabled " in line for line in lines[lines.index("") :]) == 2
    document = json.loads(source(serving.config, "status", "--json").stdout)
    assert document["objects"]["flows"] == {"declared": 2, "made": 1}
    assert document["flows"][-1] == {"id": flow, "name": "by API", "enabled": True, "made": True}


def test_it_is_found_by_its_socket_where_its_port_is_any(place: Place, serving: Daemon) -> None:
    socket = f"{place.config['state']['path']}.sock.serve"
    assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600  # noqa: PTH116 (a path of the configuration)
    whole = serving.config.read_text()
    try:
        port = place.config["serve"]["ops"]["port"]
        changed = whole.replace(f"port: {port}", "port: 0")
        assert changed != whole
        serving.config.write_text(changed)
        assert "takes records" in source(serving.config, "status").stdout
    finally:
        serving.config.write_text(whole)
    assert "takes records" in source(serving.config, "status", "--socket", socket).stdout
    assert source(serving.config, "status", "--socket", f"{socket}.not").exit_code == 1


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


def test_records_are_sent_and_what_is_refused_is_named_by_line(place: Place, serving: Daemon, tmp_path: Path) -> None:
    before = serving.metric("exporter_source_records_total", "raw", "taken")
    file = tmp_path / "records.jsonl"
    records = [json.dumps({"id": f"sent-{number}", "n": 1}) for number in range(1100)]
    lines = [*records[:3], "no JSON", "[1, 2]", *records[3:], json.dumps({"header": {"flowId": "x"}, "body": {}})]
    file.write_text("\n".join(lines))
    done = source(serving.config, "send", "raw", str(file))
    assert done.exit_code == 1
    assert done.stdout == "1100 records taken, 4 refused\n"
    assert {line.removeprefix(f"error: {file}:").partition(" ")[0] for line in done.stderr.splitlines()} == {
        "4",
        "5",
        "1103",
    }
    assert done.stderr.splitlines()[0] == f"error: {file}:4 was refused: The message is not JSON in UTF-8"
    assert f"error: {file}:5 was refused: Message is not a JSON object\n" in done.stderr
    assert INLET not in done.output
    assert serving.metric("exporter_source_records_total", "raw", "taken") == before + 1100


def test_stdin_is_sent_and_the_result_is_for_scripts(serving: Daemon) -> None:
    done = source(serving.config, "send", "raw", "-", "--json", text='{"id": "by-stdin", "n": 1}\n')
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"taken": 1, "refused": 0})


def test_what_was_read_is_sent_while_the_stream_stays_open_and_an_interrupt_ends_it(serving: Daemon) -> None:
    before = serving.metric("exporter_source_records_total", "raw", "taken")

    def all_taken(count: float) -> bool:
        return serving.metric("exporter_source_records_total", "raw", "taken") == count

    command = [*EXPORTER, "source", "send", "raw", "-", "--config", str(serving.config)]
    pipe = subprocess.PIPE
    # What was started in the background has SIGINT ignored, and its children, too.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=heard) as process:  # noqa: PLW1509
        try:
            assert process.stdin is not None
            for count, line in (
                (2, b'{"id": "live-1", "n": 1}\n{"id": "live-2", "n": 1}\n'),
                (3, b'{"id": "live-3"}\n'),
            ):
                process.stdin.write(line)
                process.stdin.flush()
                eventually("what was written is taken", partial(all_taken, before + count))
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_SECONDS) == 130
            assert process.stdout is not None
            assert process.stdout.read() == b"3 records taken, 0 refused\n"
        finally:
            process.kill()


def test_what_is_worth_a_note_in_identities_is_counted_and_logged_once(place: Place, serving: Daemon) -> None:
    identities = {"Loyalty": [{"id": "b", "primary": True}]}
    entity = {"_acme": {"profile": "noted", "state": 1}, "identityMap": identities}
    message = {"header": {"datasetId": "people"}, "body": {"xdmEntity": entity}}
    metric = "exporter_source_identity_warnings_total"
    with connected(place) as connection:
        for _ in range(2):
            assert post(connection, message)[0] == 200
    for reason in ("namespace", "primaries"):
        noted = partial(serving.metric, metric, "unknown", reason)  # by its dataset
        eventually("it is counted", lambda noted=noted: serving.alive() and noted() == 2)  # type: ignore[misc]
    lines = [line for line in serving.logs("identities") if line["flow"] == "unknown"]
    assert [line["kind"] for line in lines] == ["namespace", "primaries"]
    assert not any("oyalty" in json.dumps(line) for line in lines)


def test_an_id_that_was_made_and_a_token(serving: Daemon) -> None:
    done = source(serving.config, "send", "other", "-", text='{"id": "by-a-token", "n": 1}')
    assert (done.exit_code, done.stdout) == (0, "1 record taken, 0 refused\n"), done.output
    done = source(serving.config, "send", "other", "-", "--token", "another-token", text='{"id": "x"}')
    assert (done.exit_code, done.stdout) == (1, "0 records taken, 0 refused\n")
    assert " answers 401: " in done.stderr
    assert "another-token" not in done.output
    # A 401 names the inlet in words of its own.
    assert not re.search("[0-9a-f]{64}", done.output)


def test_a_source_by_name_or_inlet_and_an_inlet_without_a_configuration(
    place: Place, serving: Daemon, tmp_path: Path
) -> None:
    """Records without a flow go to the only one of their inlet."""
    before = serving.metric("exporter_source_records_total", "raw", "taken")
    url = f"http://127.0.0.1:{place.config['serve']['port']}"
    for config, words in ((serving.config, ("crm",)), (serving.config, (INLET,)), (tmp_path / "none", (INLET, url))):
        to, *at = words
        done = source(config, "send", to, "-", *(["--url", url] if at else []), text='{"id": "by-inlet", "n": 1}')
        assert (done.exit_code, done.stdout) == (0, "1 record taken, 0 refused\n"), done.output
    assert serving.metric("exporter_source_records_total", "raw", "taken") == before + 3


def test_records_that_are_validated_as_they_are_sent(serving: Daemon) -> None:
    """What would become a bad record is refused, with what is wrong, and the others are taken."""
    entity = {"_acme": {"profile": "invalid", "state": "x"}}
    xdm = {"header": {"datasetId": "people"}, "body": {"xdmEntity": entity}}
    records = [{"id": "valid", "n": 1}, xdm, {"n": 1}, {"id": "valid", "n": 2}]
    text = "\n".join(json.dumps(each) for each in records)
    done = source(serving.config, "send", "crm", "-", "--validate", text=text)
    assert (done.exit_code, done.stdout) == (1, "2 records taken, 2 refused\n"), done.output
    assert done.stderr.splitlines() == [
        "error: stdin:2 was refused: Message is invalid; #/_acme/state: expected type: Integer, found: String",
        "error: stdin:3 was refused: Message is invalid; #: primary identity not found",
    ]


def test_a_record_larger_than_a_body_and_batches_as_large_as_one(serving: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    large = [json.dumps({"id": f"large-{number}", "n": 1, "x": "y" * 400_000}) for number in range(5)]
    file.write_text("\n".join([*large, json.dumps({"id": "too", "x": "y" * 1024**2})]))
    done = source(serving.config, "send", "raw", str(file))
    assert (done.exit_code, done.stdout) == (1, "5 records taken, 1 refused\n")
    assert f"{file}:6 was refused: The record has more than " in done.stderr


def test_what_cannot_be_sent(place: Place, serving: Daemon, tmp_path: Path) -> None:
    done = source(serving.config, "send", "rew", "-", text="{}")
    assert done.exit_code == 2
    assert "there is no flow rew" in done.stderr
    assert "there are crm, made" in re.sub(r"[│\s]+", " ", done.stderr)
    key = source(serving.config, "send", "raw", "-", "--client-key-file", str(serving.config), text="{}")
    assert key.exit_code == 2
    assert "--client-cert-file" in key.stderr
    assert source(serving.config, "send", "raw", str(tmp_path / "none")).exit_code == 2
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = source(serving.config, "send", "raw", "-", "--url", nowhere, text='{"id": "x"}')
    assert (done.exit_code, done.stdout) == (1, "0 records taken, 0 refused\n")
    assert f"no daemon answers at {nowhere}: " in done.stderr
    assert "stdin:1 to stdin:1 may not have been taken" in done.stderr
    # What listens there has no such path.
    done = source(serving.config, "send", "raw", "-", "--url", f"http://127.0.0.1:{serving.port}", text='{"id": "x"}')
    assert done.exit_code == 1
    assert " answers 404: " in done.stderr
    assert INLET not in done.output


def test_the_stores_of_the_way_in_are_tried_beside_it(serving: Daemon) -> None:
    command = ["check", "--connect", "--config", str(serving.config)]
    done = CliRunner().invoke(command_line(["check", "send"]), command)
    for part in ("queue", "state", "intake", "profiles"):
        assert re.search(rf"^ok      {part}: .*{part}.db can be used$", done.stdout, re.MULTILINE), done.output


def test_events_that_a_command_adds_are_told_and_leave_the_count_of_those_that_wait_right(
    place: Place, serving: Daemon
) -> None:
    with connected(place) as connection:
        assert post(connection, {"id": "forgotten", "n": 1, "name": "Ada"})[0] == 200
    eventually("the record is applied and told", lambda: serving.alive() and idle(serving))
    before = serving.metrics()["exporter_source_events_total{}"]
    done = source(serving.config, "forget", "people", "--yes")
    assert done.exit_code == 0, done.output
    eventually("it is told", lambda: serving.metrics()["exporter_source_events_total{}"] > before)
    eventually("none waits", lambda: serving.alive() and idle(serving))
