"""What is made or changed by API is in force when its answer comes: for records, for other writers, after a kill."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from control_api import CONVERSION, FLOWS, Api, api_of, mapping
from harness import Place
from processes import Daemon, eventually
from serving import idle, serve, way_in

ROUNDS = 200
KILLS = 6
KEY = {"_acme__profile": "id"}


class Running:
    """A place whose way in runs, and its API, with what flows begin and end at."""

    def __init__(self, place: Place) -> None:
        way_in(place)
        place.write()
        self.place = place
        self.daemon: Daemon = serve(place).ready()
        self.api = Api(place).flow_parts()

    def apply(self) -> None:
        """Wait until all that was taken is applied."""
        eventually("all is applied", lambda: self.daemon.alive() and idle(self.daemon))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        made = Running(place)
        yield made
        made.api.close()
        assert made.daemon.terminate() == 0


def at_once(place: Place, path: str, etag: str, names: list[str]) -> list[tuple[int, Any]]:
    """The answers to as many writers as there are names, each with a connection of its own that is open by then."""
    together = threading.Barrier(len(names))

    def write(name: str) -> tuple[int, Any]:
        with api_of(place) as api:
            api.ask("GET", f"{FLOWS}/connectionSpecs")
            together.wait(60)
            return api.ask("PATCH", path, [{"op": "replace", "path": "/name", "value": name}], If_Match=etag)

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(write, names))


def test_of_two_writers_with_one_etag_one_wins(running: Running) -> None:
    api = running.api
    flow = api.flow("first", api.mapping_set(**KEY))
    won: Counter[int] = Counter()
    for number in range(40):
        etag, names = api.shown("flows", flow)["etag"], [f"{number} by {who}" for who in range(2)]
        answers = at_once(running.place, f"{FLOWS}/flows/{flow}", etag, names)
        assert sorted(status for status, _ in answers) == [200, 412]
        winner = [status for status, _ in answers].index(200)
        lost = answers[1 - winner][1]
        shown = api.shown("flows", flow)
        assert (shown["name"], shown["etag"]) == (names[winner], answers[winner][1]["etag"])
        assert (lost["errorCode"], lost["status"]) == ("1404-412", 412)
        assert etag in lost["errorDetails"]
        won[winner] += 1
    assert len(won) == 2, "one of the two was always first: they did not write at once"


def test_a_record_goes_by_a_flow_that_was_made_just_before(running: Running) -> None:
    api = running.api
    mapping_set = api.mapping_set(**KEY, _acme__state="n")
    flows = []
    for number in range(ROUNDS):
        flows.append(api.flow(f"flow {number}", mapping_set))
        assert api.post({"id": f"made-{number}", "n": number}, flows[-1]) == 200
    running.apply()
    states = [(api.profile(f"made-{number}") or {})["_acme"]["state"] for number in range(ROUNDS)]
    assert states == list(range(ROUNDS))
    for flow in flows:
        [run] = api.ask("GET", f"{FLOWS}/runs?property=flowId=={flow}")[1]["items"]
        counts = run["metrics"]["recordSummary"]
        assert (counts["inputRecordCount"], counts["outputRecordCount"]) == (1, 1)


def test_a_record_goes_by_what_its_flow_was_changed_to_just_before(running: Running) -> None:
    api = running.api
    sets = [api.mapping_set(**KEY, _acme__state=source) for source in ("a", "b")]
    flow = api.flow("changed", sets[0])
    path = f"{FLOWS}/flows/{flow}"
    for number in range(60):
        change = [{"op": "replace", "path": "/transformations/0", "value": mapping(sets[number % 2])}]
        assert api.ask("PATCH", path, change, If_Match=api.shown("flows", flow)["etag"])[0] == 200
        key = f"changed-{number}"
        assert api.post({"id": key, "a": 0, "b": 1}, flow) == 200
        # Before the next change: a record goes by what holds when it is applied.
        found = eventually(key, partial(api.profile, key))
        assert found["_acme"]["state"] == number % 2


def test_a_record_is_refused_once_its_flow_is_disabled_and_taken_once_it_is_not(running: Running) -> None:
    api = running.api
    flow = api.flow("switched", api.mapping_set(**KEY))
    for _ in range(ROUNDS // 2):
        for action, status in (("disable", 400), ("enable", 200)):
            assert api.ask("POST", f"{FLOWS}/flows/{flow}/action?op={action}")[0] == 200
            assert api.post({"id": "switched"}, flow) == status


def test_a_record_goes_by_its_flow_though_all_of_it_is_deleted_just_after(running: Running) -> None:
    api = running.api
    for number in range(20):
        mapping_set = api.mapping_set(**KEY, _acme__state="n")
        flow = api.flow("short", mapping_set)
        for each in range(5):
            assert api.post({"id": f"short-{number}-{each}", "n": number}, flow) == 200
        for path in (f"{FLOWS}/flows/{flow}", f"{CONVERSION}/mappingSets/{mapping_set}"):
            assert api.ask("DELETE", path) == (204, None)
        assert api.post({"id": "late", "n": number}, flow) == 400
    running.apply()
    for number in range(20):
        for each in range(5):
            assert (api.profile(f"short-{number}-{each}") or {})["_acme"]["state"] == number
    assert api.profile("late") is None


def test_what_was_answered_is_there_after_a_kill(running: Running) -> None:
    chance, api, place = random.Random(3), running.api, running.place
    api.flow_parts()
    mapping_set = api.mapping_set(**KEY)
    #: Names and etags by the ids of flows.
    expected: dict[str, tuple[str, str]] = {}

    def change(number: int) -> None:
        """Make a flow, or rename or delete one."""
        known = chance.choice([None, *expected]) if len(expected) > 1 else None
        if known is None:
            status, answer = api.ask("POST", f"{FLOWS}/flows", api.flow_body(f"made {number}", mapping_set))
            assert status == 201
        elif chance.random() < 0.3:
            assert api.ask("DELETE", f"{FLOWS}/flows/{known}") == (204, None)
            del expected[known]
            return
        else:
            name = [{"op": "replace", "path": "/name", "value": f"renamed {number}"}]
            status, answer = api.ask("PATCH", f"{FLOWS}/flows/{known}", name, If_Match=expected[known][1])
            assert status == 200
        expected[answer["id"]] = (f"{'made' if known is None else 'renamed'} {number}", answer["etag"])

    for number in range(KILLS):
        for each in range(chance.randint(1, 4)):
            change(4 * number + each)
        running.daemon.kill()
        api.close()
        running.daemon = serve(place).ready()
        query = f"limit=100&property=sourceConnectionIds[]=={api.source}"
        listed = api.ask("GET", f"{FLOWS}/flows?{query}")[1]["items"]
        assert {each["id"]: (each["name"], each["etag"]) for each in listed} == expected
        for flow in expected:
            assert api.post({"id": flow}, flow) == 200
    running.apply()
    assert all(api.profile(flow) for flow in expected)
