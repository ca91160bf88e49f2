"""The Flow Service by API, as a client calls it: what is made takes records at once, and is there after a kill."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import Place
from processes import Daemon
from serving import INLET, MAPPING, SCHEMA, serve, settled, way_in

FLOW_SERVICE = "/data/foundation/flowservice"
STREAMING = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
LAKE = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
MAPPED = {"id": "c1a19761-d2c7-4702-b9fa-fe91f0613e81", "version": "1.0"}
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


class Client:
    """Asks the control plane of a place, and posts records to inlets by their addresses."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body of an answer."""
        port = self.place.config["serve"]["api"]["port"]
        return self._ask(port, method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def flow_service(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body of an answer of the Flow Service."""
        return self.ask(method, FLOW_SERVICE + path, body, **headers)

    def make(self, path: str, body: Any) -> str:
        """The id of a new object."""
        status, answer = self.flow_service("POST", path, body)
        assert status == 201, answer
        return str(answer["id"])

    def shown(self, path: str) -> Any:
        """An object."""
        status, answer = self.flow_service("GET", path)
        assert status == 200, answer
        return answer["items"][0]

    def record(self, url: str, record: Any, flow: str) -> int:
        """The status by which a record is taken."""
        parts = urlsplit(url)
        return self._ask(parts.port or 80, "POST", parts.path, record, {"x-adobe-flow-id": flow})[0]

    def profile(self, key: str) -> Any:
        """The profile of a key; None where there is none."""
        query = f"schema.name=_xdm.context.profile&entityIdNS=KEY&entityId={key}"
        status, answer = self.ask("GET", f"/data/core/ups/access/entities?{query}")
        return next(iter(answer.values()))["entity"] if status == 200 else None

    def _ask(self, port: int, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None


def test_what_is_made_takes_records_at_once_and_after_a_kill(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        daemon, client = serve(place).ready(), Client(place)
        auth = {"specName": "Streaming Connection", "params": {"dataType": "raw"}}
        connection = client.make("/connections", {"name": "ACME", "connectionSpec": STREAMING, "auth": auth})
        url = client.shown(f"/connections/{connection}")["auth"]["params"]["inletUrl"]
        source = {"name": "s", "baseConnectionId": connection, "connectionSpec": STREAMING}
        begins = client.make("/sourceConnections", source)
        target = {"name": "t", "params": {"dataSetId": "people"}, "connectionSpec": LAKE}
        ends = client.make("/targetConnections", target)
        mapping = client.ask("POST", "/data/foundation/conversion/mappingSets", mapping_set(MAPPING))[1]["id"]
        wanted = {
            "name": "f",
            "flowSpec": MAPPED,
            "sourceConnectionIds": [begins],
            "targetConnectionIds": [ends],
            "transformations": transformations(mapping, 0),
        }
        flow = client.make("/flows", wanted)
        assert client.record(url, {"id": "one", "n": 1, "name": "Ada"}, flow) == 200
        settled(place, daemon)
        assert client.profile("one")["person"]["name"]["firstName"] == "Ada"

        # A new version of the mapping set is another one, and the flow goes by it from the answer on.
        newer = mapping_set({**MAPPING, "person.name.firstName": "upper(name)"})
        assert client.ask("PUT", f"/data/foundation/conversion/mappingSets/{mapping}", newer)[0] == 200
        operation = {"op": "replace", "path": "/transformations/0", "value": transformations(mapping, 1)[0]}
        etag = client.shown(f"/flows/{flow}")["etag"]
        assert client.flow_service("PATCH", f"/flows/{flow}", [operation], If_Match=etag)[0] == 200
        assert client.record(url, {"id": "two", "n": 1, "name": "Ada"}, flow) == 200
        before = client.shown(f"/flows/{flow}")
        daemon.kill()

        daemon = serve(place).ready()
        settled(place, daemon)
        assert client.profile("two")["person"]["name"]["firstName"] == "ADA"
        assert client.shown(f"/flows/{flow}") == before
        assert client.shown(f"/connections/{connection}")["auth"]["params"]["inletUrl"] == url
        closed(client, daemon, url, flow, connection)


def closed(client: Client, daemon: Daemon, url: str, flow: str, connection: str) -> None:
    """Switch off and delete what was made: nothing is taken any more, and what was taken is not lost."""
    record = {"id": "three", "n": 1, "name": "Ada"}
    assert client.flow_service("POST", f"/flows/{flow}/action?op=disable")[0] == 200
    assert client.record(url, record, flow) == 400
    assert client.flow_service("POST", f"/flows/{flow}/action?op=enable")[0] == 200
    assert client.flow_service("POST", f"/connections/{connection}/action?op=disable")[0] == 200
    assert client.record(url, record, flow) == 403
    assert client.flow_service("POST", f"/connections/{connection}/action?op=enable")[0] == 200
    assert client.record(url, record, flow) == 200
    assert client.flow_service("DELETE", f"/connections/{connection}")[0] == 400
    assert client.flow_service("DELETE", f"/flows/{flow}")[0] == 204
    assert client.flow_service("DELETE", f"/connections/{connection}")[0] == 204
    assert client.record(url, record, flow) == 404
    settled(client.place, daemon)
    assert client.profile("three") is not None


def test_what_is_declared_is_shown_and_carries_what_is_made(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        receiver = place.receiver()
        place.destination("crm", receiver.url, attributes=["_acme.profile"], segments=["s"])
        place.write()
        daemon, client = serve(place).ready(), Client(place)
        flows = {each["name"]: each for each in client.flow_service("GET", "/flows")[1]["items"]}
        assert flows["crm"]["inheritedAttributes"]["properties"] == {"isDestinationFlow": True}
        declared = flows["raw"]
        assert INLET in declared["options"]["inletUrl"]
        status, refused = client.flow_service("DELETE", f"/flows/{declared['id']}")
        assert (status, refused["errorCode"]) == (400, "1400-400")
        # A second flow on the declared connection, with the declared mapping set.
        ids = {name: declared[name] for name in ("sourceConnectionIds", "targetConnectionIds")}
        flow = client.make(
            "/flows", {"name": "more", "flowSpec": MAPPED, **ids, "transformations": transformations("raw", 0)}
        )
        assert client.record(declared["options"]["inletUrl"], {"id": "one", "n": 1, "name": "Ada"}, flow) == 200
        settled(place, daemon)
        assert client.profile("one") is not None


def mapping_set(mappings: dict[str, str]) -> dict[str, Any]:
    """The body of a new mapping set."""
    listed = [{"sourceType": "EXPRESSION", "source": each, "destination": path} for path, each in mappings.items()]
    return {"outputSchema": {"schemaRef": {"id": SCHEMA, "contentType": CONTENT_TYPE}}, "mappings": listed}


def transformations(mapping: str, version: int) -> list[dict[str, Any]]:
    """The transformations of a flow with a mapping set."""
    return [{"name": "Mapping", "params": {"mappingId": mapping, "mappingVersion": version}}]
