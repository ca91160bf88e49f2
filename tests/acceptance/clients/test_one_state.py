"""Two processes with an intake each and one state have one set of objects: on both kinds of state."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from control_api import CONVERSION, FLOWS, Api
from harness import Place
from processes import Daemon, eventually, fetch
from redis_server import needs_redis, running
from serving import SCHEMA, serve, way_in

ROUNDS = 20
KEY = {"_acme__profile": "id"}


class Process:
    """One of the two, in a folder of its own."""

    def __init__(self, place: Place, state: dict[str, Any]) -> None:
        way_in(place)
        place.config["state"] = state
        place.write()
        self.place = place
        self.start()

    def start(self) -> None:
        self.daemon: Daemon = serve(self.place).ready()
        self.api = Api(self.place)

    def end(self) -> None:
        self.api.close()
        assert self.daemon.terminate() == 0


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    with ExitStack() as stack:
        state = {"kind": "sqlite", "path": str(tmp_path / "state.db")}
        if request.param == "redis":
            state = {"kind": "redis", "url": stack.enter_context(running(tmp_path / "redis")).url}
        folders = tmp_path / "first", tmp_path / "second"
        for folder in folders:
            folder.mkdir()
        first, second = (Process(stack.enter_context(Place(folder)), state) for folder in folders)
        yield first, second
        for each in (first, second):
            each.end()


def renamed(api: Api, flow: str, etag: str, name: str) -> int:
    change = [{"op": "replace", "path": "/name", "value": name}]
    return api.ask("PATCH", f"{FLOWS}/flows/{flow}", change, If_Match=etag)[0]


def test_what_one_makes_is_there_on_the_other(two: tuple[Process, Process]) -> None:
    first, second = two
    first.api.flow_parts()
    mapping = first.api.mapping_set(**KEY)
    flow = first.api.flow("f", mapping)
    second.api.inlet = first.api.inlet
    eventually("records of the flow are taken", lambda: second.api.post({"id": "p1"}, flow) == 200)
    etag = second.api.shown("flows", flow)["etag"]
    assert (renamed(first.api, flow, etag, "by first"), renamed(second.api, flow, etag, "by second")) == (200, 412)
    assert second.api.shown("flows", flow)["name"] == "by first"

    for number in range(ROUNDS):
        etag = first.api.shown("flows", flow)["etag"]
        with ThreadPoolExecutor(2) as pool:
            writers = [pool.submit(renamed, each.api, flow, etag, f"{number}-{each.place.folder.name}") for each in two]
            answers = [writer.result() for writer in writers]
        assert sorted(answers) == [200, 412]
        winner = two[answers.index(200)].place.folder.name
        assert {each.api.shown("flows", flow)["name"] for each in two} == {f"{number}-{winner}"}

    # What a flow of the one needs, the other does not delete.
    another = first.api.flow("g", mapping)
    assert second.api.ask("DELETE", f"{FLOWS}/flows/{flow}")[0] == 204
    assert second.api.ask("DELETE", f"{FLOWS}/targetConnections/{first.api.target}")[0] == 400
    assert second.api.ask("DELETE", f"{CONVERSION}/mappingSets/{mapping}")[0] == 400
    assert first.api.ask("GET", f"{FLOWS}/flows/{flow}")[0] == 404
    assert first.api.shown("targetConnections", first.api.target)["name"] == "target"
    for each in two:
        source, target, inlet = first.api.source, first.api.target, first.api.inlet
        each.end()
        each.start()
        each.api.source, each.api.target, each.api.inlet = source, target, inlet
        assert each.api.shown("flows", another)["state"] == "enabled"
        assert each.api.post({"id": "p2"}, another) == 200


def test_what_does_not_go_with_the_configuration_of_the_other_waits_for_a_reload(two: tuple[Process, Process]) -> None:
    first, second = two

    def declare(process: Process) -> None:
        process.place.config["datasets"].append({"id": "extra", "schema": SCHEMA})
        process.place.write()
        process.daemon.send(signal.SIGHUP)
        eventually("it is reloaded", lambda: process.daemon.alive() and process.daemon.logs("reloaded"))

    first.api.flow_parts()
    kept = first.api.flow("kept", first.api.mapping_set(**KEY))
    declare(second)
    second.api.flow_parts(dataset="extra")
    flow = second.api.flow("f", second.api.mapping_set(**KEY))

    def waiting() -> dict[str, Any] | None:
        lines = first.daemon.logs("waiting") if first.daemon.alive() else []
        return next((line for line in lines if line["reason"] == "following"), None)

    line = eventually("the first says so", waiting)
    assert f"flows.{flow}.dataset.extra: there is no dataset with this id" in line["detail"]
    status, ready = fetch(f"http://127.0.0.1:{first.daemon.port}/ready")
    assert (status, line["detail"] in ready.decode()) == (200, True)
    assert first.api.post({"id": "p1"}, kept) == 200
    status, answer = first.api.ask("POST", f"{FLOWS}/flows/{kept}/action?op=disable")
    assert (status, answer["errorCode"], flow in answer["errorDetails"]) == (503, "1503-503", True)
    declare(first)
    assert first.api.shown("flows", flow)["name"] == "f"
    assert first.api.ask("POST", f"{FLOWS}/flows/{kept}/action?op=disable")[0] == 200
    eventually("and that it goes on", lambda: first.daemon.alive() and first.daemon.logs("goes on"))
