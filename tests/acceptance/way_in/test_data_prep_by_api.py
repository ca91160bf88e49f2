"""Data Prep by API, as a person asks with curl: the language, and mapping sets that are tried, kept and used."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Place
from processes import Daemon
from serving import MAPPING, SCHEMA, connected, post, serve, settled, way_in

LONG, SHORT = "/data/foundation/conversion", "/data/foundation"
OUTPUT_SCHEMA = {"schemaRef": {"id": SCHEMA, "contentType": "application/vnd.adobe.xed-full+json;version=1"}}


class Asked:
    """A place whose way in runs, asked by curl."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.daemon: Daemon = serve(place).ready()
        self.url = f"http://127.0.0.1:{place.config['serve']['api']['port']}"

    def curl(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of the answer."""
        sent = ["--data-binary", "@-", "-H", "Content-Type: application/json"] if body is not None else []
        command = ["curl", "-sS", "-m", "60", "-X", method, "-w", "\n%{http_code}", *sent, self.url + path]
        text = None if body is None else json.dumps(body)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(answer) if answer else None


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        way_in(place)
        place.write()
        yield Asked(place)


@pytest.mark.parametrize("base", [LONG, SHORT])
def test_the_language_is_told_and_validated(asked: Asked, base: str) -> None:
    status, functions = asked.curl("GET", f"{base}/languages/el/functions")
    assert (status, {"concat", "iif", "upper"} <= {each["function"] for each in functions}) == (200, True)
    status, operators = asked.curl("GET", f"{base}/languages/el/operators/")
    assert (status, operators[0]["example"]) == (200, "1 + 2")
    for expression, valid in ((functions[0]["example"], True), (operators[0]["example"], True), ("uper(a)", False)):
        assert asked.curl("POST", f"{base}/languages/el/validate", {"expression": expression}) == (200, valid)


def test_a_preview_is_what_records_come_to(asked: Asked) -> None:
    mappings = [{"sourceType": "EXPRESSION", "source": source, "destination": path} for path, source in MAPPING.items()]
    mapping_set = {"outputSchema": OUTPUT_SCHEMA, "mappings": mappings}
    status, answer = asked.curl("POST", f"{LONG}/mappingSets/validate", mapping_set)
    assert (status, answer) == (200, {"validationResponse": [{"status": "SUCCESS", "errors": None}] * len(mappings)})
    record = {"id": "previewed", "n": "7", "name": "Ada Lovelace"}
    status, shown = asked.curl("POST", f"{SHORT}/mappingSets/preview", {"data": record, "mappingSet": mapping_set})
    assert (status, shown["errors"]) == (200, [])
    assert shown["data"] == {"_acme": {"profile": "previewed", "state": 7}, "person": {"name": {"firstName": "Ada"}}}
    with connected(asked.place) as connection:
        assert post(connection, record)[0] == 200
    settled(asked.place, asked.daemon)
    query = "schema.name=_xdm.context.profile&entityIdNS=KEY&entityId=previewed"
    _, kept = asked.curl("GET", f"/data/core/ups/access/entities?{query}")
    [profile] = kept.values()
    identities = profile["entity"].pop("identityMap")
    assert list(identities) == ["key"]
    assert profile["entity"] == shown["data"]


def test_what_is_too_large_or_no_json_is_refused(asked: Asked) -> None:
    path = f"{LONG}/mappingSets/preview"
    body = {"data": {"a": "x" * (1 << 20)}, "mappingSet": {"mappings": []}}
    assert asked.curl("POST", path, body)[0] == 413
    wide = {"mappings": {"a": "lpad('', 800000, 'x')", "b": "lpad('', 200000, 'x')"}}
    assert asked.curl("POST", path, {"data": [{}], "mappingSet": wide})[0] == 200
    assert asked.curl("POST", path, {"data": [{}, {}], "mappingSet": wide})[0] == 413
    status, answer = asked.curl("POST", path, [])
    assert (status, answer["errorCode"]) == (400, "1400-400")


def test_a_mapping_set_is_kept_and_a_flow_stays_on_its_version(tmp_path: Path) -> None:
    flows = "/data/foundation/flowservice/flows"
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        asked = Asked(place)
        [raw] = asked.curl("GET", f"{SHORT}/mappingSets")[1]["data"]
        status, answer = asked.curl("DELETE", f"{LONG}/mappingSets/raw")
        assert (raw["id"], status, "declared in" in answer["errorDetails"]) == ("raw", 400, True)

        mappings = [
            {"destinationXdmPath": "_acme.profile", "sourceAttribute": "id", "identity": False, "version": 0},
            {"destinationXdmPath": "person.name.firstName", "sourceAttribute": "first", "version": 0},
        ]
        legacy = {"version": 0, "xdmSchema": SCHEMA, "xdmVersion": "1.0", "mappings": mappings}
        status, made = asked.curl("POST", f"{SHORT}/mappingSets", legacy)
        assert (status, made["version"]) == (200, 0)
        one = f"{LONG}/mappingSets/{made['id']}"
        [declared] = asked.curl("GET", flows)[1]["items"]
        params = {"mappingId": made["id"], "mappingVersion": 0}
        sent = {
            **{key: declared[key] for key in ("flowSpec", "sourceConnectionIds", "targetConnectionIds")},
            "name": "by a set that was made",
            "transformations": [{"name": "Mapping", "params": params}],
        }
        status, flow = asked.curl("POST", flows, sent)
        assert status == 201, flow
        status, changed = asked.curl("GET", one)
        changed["mappings"][1] |= {"sourceType": "EXPRESSION", "source": "upper(first)"}
        status, replaced = asked.curl("PUT", f"{one}?validate=True", changed)
        assert (status, replaced["version"]) == (200, 1)

        assert asked.daemon.terminate() == 0
        asked = Asked(place)
        assert asked.curl("GET", one) == (200, replaced)
        status, first = asked.curl("GET", f"{one}?version=0")
        assert (status, first["mappings"][1]["source"]) == (200, "first")

        def named(record: dict[str, Any]) -> str:
            """The first name that a record comes to by the flow that was made."""
            with connected(place) as connection:
                assert post(connection, record, f"?x-adobe-flow-id={flow['id']}")[0] == 200
            settled(place, asked.daemon)
            query = f"schema.name=_xdm.context.profile&entityIdNS=KEY&entityId={record['id']}"
            [profile] = asked.curl("GET", f"/data/core/ups/access/entities?{query}")[1].values()
            name = profile["entity"]["person"]["name"]["firstName"]
            assert isinstance(name, str)
            return name

        assert named({"id": "a", "first": "Ada"}) == "Ada"
        assert asked.curl("DELETE", one)[1]["errorCode"] == "1418-400"
        assert asked.curl("DELETE", f"{flows}/{flow['id']}")[0] == 204
        status, flow = asked.curl(
            "POST", flows, sent | {"transformations": [{"name": "Mapping", "params": {**params, "mappingVersion": 1}}]}
        )
        assert status == 201, flow
        assert named({"id": "b", "first": "Bea"}) == "BEA"
        with connected(place) as connection:
            assert post(connection, {"id": "c"}, f"?x-adobe-flow-id={flow['id']}")[0] == 200
        assert asked.curl("DELETE", f"{flows}/{flow['id']}")[0] == 204
        assert asked.curl("DELETE", one)[0] == 204
        assert asked.curl("GET", one)[0] == 404
        settled(place, asked.daemon)
        query = "schema.name=_xdm.context.profile&entityIdNS=KEY&entityId=c"
        assert asked.curl("GET", f"/data/core/ups/access/entities?{query}")[0] == 200
        assert asked.daemon.terminate() == 0
