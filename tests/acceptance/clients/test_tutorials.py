"""The requests of the platform's two streaming tutorials, in their order, by curl against the tutorials' configuration.

Nothing but hosts, credentials and placeholders differs from what people paste; a second time all of it works again.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from control_api import HTTP_SPEC, LAKE_SPEC, MAPPED_SPEC, PLAIN_SPEC
from processes import WARM, Daemon, eventually

CONFIG = Path(__file__).parents[3] / "config" / "tutorial.yaml"
ORG = "ABCDEF0123456789@AdobeOrg"
SERVICE, SETS = "/data/foundation/flowservice", "/data/foundation/mappingSets"
SCHEMA = "https://ns.adobe.com/acme/schemas/7f682c29f887512a897791e7161b90a1ae7ed3dd07a177b1"
FULL = "application/vnd.adobe.xed-full-notext+json; version=1.0"
DATASET, OTHER_DATASET = "637eb7fadc8a211b6312b65b", "604a18a3bae67d18db6d258c"
BASE = "a59d368a-1152-4673-a46e-bd52e8cdb9a9"
BEGINS, ENDS = "34ece231-294d-416c-ad2a-5a5dfb2bc69f", "07f2f6ff-1da5-4704-916a-c615b873cba9"
INLET = "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"
OLDER_INLET = "2301a1f761f6d7bf62c5312c535e1076bbc7f14d728e63cdfd37ecbb4344425b"
PROVIDER = "521eee4d-8cbe-4906-bb48-fb6bd4450033"
RAW = {
    "name": "Johnson Smith",
    "location": {"city": "Seattle", "country": "United State of America", "address": "3692 Main Street"},
    "gender": "Male",
    "birthday": {"year": 1984, "month": 6, "day": 9},
}
#: What the page shows of a connection, with the type of each field.
_TEXTS = (
    *("id", "createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId", "sandboxName", "imsOrgId"),
    *("name", "description", "state", "version", "etag"),
)
SHOWN: dict[str, type] = dict.fromkeys(_TEXTS, str) | dict.fromkeys(("createdAt", "updatedAt"), int)
PARAMS: dict[str, type] = {
    **dict.fromkeys(("sourceId", "inletUrl", "inletId", "dataType", "name"), str),
    "authenticationRequired": bool,
}


class Curl:
    """Sends what the pages send; ``at`` are the two hosts."""

    def __init__(self, api: str, collection: str) -> None:
        self.at = {True: api, False: collection}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        platform = path.startswith("/data/")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if platform:
            named |= {"Authorization": "Bearer t", "x-api-key": "k", "x-gw-ims-org-id": ORG, "x-sandbox-name": "prod"}
        words = ["curl", "--silent", "--write-out", "\n%{http_code}", "-X", method, f"{self.at[platform]}{path}"]
        if body is not None:
            named["Content-Type"] = "application/json"
            words += ["-d", json.dumps(body, indent=4)]
        for name, value in named.items():
            words += ["-H", f"{name}: {value}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
        text, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(text)

    def made(self, path: str, body: Any) -> str:
        """Make something, which the answer names with its version; its id."""
        status, answer = self.send("POST", path, body)
        if path == SETS:
            assert (status, answer["version"]) == (200, 0), answer
            assert all(isinstance(answer[each], int) for each in ("createdDate", "modifiedDate"))
        else:
            assert status == 201, answer
            assert answer["etag"] == f'"{answer["etag"][1:-1]}"'
        return str(answer["id"])

    def connection(self, name: str, **said: Any) -> str:
        params = said.pop("params")
        auth = {"specName": "Streaming Connection", "params": params}
        return self.made(f"{SERVICE}/connections", {"name": name, **said, "connectionSpec": HTTP_SPEC, "auth": auth})

    def shown(self, connection: str) -> dict[str, Any]:
        status, answer = self.send("GET", f"{SERVICE}/connections/{connection}")
        [shown] = answer["items"]
        assert status == 200
        for fields, types in ((shown, SHOWN), (shown["auth"]["params"], PARAMS)):
            assert {each: type(fields.get(each)) for each in types} == types
        found: dict[str, Any] = shown
        return found

    def record(self, inlet: str, flow: str, body: Any) -> None:
        status, answer = self.send("POST", f"/collection/{inlet}", body, x_adobe_flow_id=flow)
        assert (status, answer["inletId"]) == (200, inlet)
        assert [type(answer[each]) for each in ("xactionId", "receivedTimeMs")] == [str, int]


def older_tutorial(curl: Curl) -> None:
    """Seven requests."""
    said: dict[str, Any] = {"providerId": PROVIDER, "description": "Sample description"}
    params = {"sourceId": "Sample connection", "dataType": "xdm", "name": "Sample connection"}
    curl.connection("Sample streaming connection", **said, params=params)
    base = curl.connection("Sample streaming connection", **said, params={**params, "authenticationRequired": True})
    shown = curl.shown(base)
    assert (shown["auth"]["params"]["authenticationRequired"], shown["providerId"]) == (True, PROVIDER)
    source = {"name": "Sample source connection", "description": "", "baseConnectionId": base}
    begins = curl.made(f"{SERVICE}/sourceConnections", {**source, "connectionSpec": HTTP_SPEC})
    target = {"name": "Sample target connection", "description": "", "connectionSpec": LAKE_SPEC}
    written = {"data": {"format": "parquet_xdm"}, "params": {"dataSetId": DATASET}}
    ends = curl.made(f"{SERVICE}/targetConnections", target | written)
    flow = {"name": "Sample flow", "description": "Sample flow description", "flowSpec": PLAIN_SPEC}
    curl.made(f"{SERVICE}/flows", {**flow, "sourceConnectionIds": [begins], "targetConnectionIds": [ends]})
    curl.record(OLDER_INLET, "1f086c23-2ea8-4d06-886c-232ea8bd061d", RAW)


def newer_tutorial(curl: Curl) -> None:
    """Twelve requests; further ones name what its own answers show, which stands in the configuration."""
    said: dict[str, Any] = {"description": "ACME streaming connection for customer data"}
    named: dict[str, Any] = {"sourceId": "s", "name": "Sample connection", "authenticationRequired": True}
    for kind in ("xdm", "raw"):
        curl.connection(f"ACME Streaming Connection {kind}", **said, params={"dataType": kind})
    for kind in ("xdm", "raw"):
        name = f"ACME Streaming Connection {kind} Authenticated"
        made = curl.connection(name, **said, params={**named, "dataType": kind})
    assert curl.shown(made)["auth"]["params"]["dataType"] == "raw"
    source = {"name": "ACME Streaming Source Connection", "baseConnectionId": BASE, "connectionSpec": HTTP_SPEC}
    curl.made(f"{SERVICE}/sourceConnections", source)
    schema = {"id": SCHEMA, "version": "application/vnd.adobe.xed-full+json;version=1.0"}
    target = {"name": "ACME Streaming Target Connection", "data": {"schema": schema}, "connectionSpec": LAKE_SPEC}
    curl.made(f"{SERVICE}/targetConnections", {**target, "params": {"dataSetId": DATASET}})
    mappings = [
        {"destinationXdmPath": f"person.name.{each}", "sourceAttribute": each, "identity": False, "version": 0}
        for each in ("firstName", "lastName")
    ]
    curl.made(SETS, {"version": 0, "xdmSchema": SCHEMA, "xdmVersion": "1.0", "mappings": mappings})
    ways = {"sourceConnectionIds": [BEGINS], "targetConnectionIds": [ENDS]}
    curl.made(f"{SERVICE}/flows", {"name": "ACME Streaming Dataflow", "flowSpec": PLAIN_SPEC, **ways})
    mapping = {"name": "Mapping", "params": {"mappingId": "79a623960d3f4969835c9e00dc90c8df", "mappingVersion": 0}}
    mapped = {"name": "<name>", "description": "<description>", "flowSpec": MAPPED_SPEC, **ways}
    curl.made(f"{SERVICE}/flows", {**mapped, "transformations": [mapping]})
    flow = "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2"
    reference = {"schemaRef": {"id": SCHEMA, "contentType": FULL}}
    email = {"primary": True, "address": "suman@acme.com", "type": "work", "status": "active"}
    person = {"name": {"firstName": "suman", "lastName": "nolan"}}
    entity = {"_id": "http-source-connector-acme-01", "person": person, "workEmail": email}
    header = {**reference, "flowId": flow, "datasetId": OTHER_DATASET}
    curl.record(INLET, flow, {"header": header, "body": {"xdmMeta": reference, "xdmEntity": entity}})
    curl.record(INLET, "1f086c23-2ea8-4d06-886c-232ea8bd061d", RAW)


@contextmanager
def started(folder: Path) -> Iterator[Daemon]:
    """``exporter serve`` by the tutorials' configuration, on ports that are free."""
    config = folder / "config" / "tutorial.yaml"
    config.parent.mkdir()
    text = CONFIG.read_text(encoding="utf-8").replace("  port: 8085 ", "  port: 0 ")
    config.write_text(text.replace("serve:\n", "serve:\n  api: {port: 0}\n  ops: {port: 0}\n", 1), encoding="utf-8")
    serving = Daemon([WARM, "serve", "--config", str(config), "--log-format", "json"], folder, "serve")
    try:
        eventually("it is ready", lambda: serving.alive() and bool(serving.logs("ready")))
        yield serving
    finally:
        serving.stop()


def test_the_tutorials_run_twice(tmp_path: Path) -> None:
    with started(tmp_path) as serving:
        [ready] = serving.logs("ready")
        curl = Curl(ready["api"], ready["collection"])
        for _ in range(2):
            older_tutorial(curl)
            newer_tutorial(curl)
        query = "schema.name=_xdm.context.profile&entityIdNS=email&entityId=suman@acme.com"
        path = f"/data/core/ups/access/entities?{query}"
        eventually("the person is a profile", lambda: curl.send("GET", path)[0] == 200)
        assert serving.terminate() == 0
