"""The control plane over one connection, as programs speak to it, and the objects that a flow needs."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any, Self
from urllib.parse import quote

from harness import Place
from serving import SCHEMA

FLOWS, CONVERSION = "/data/foundation/flowservice", "/data/foundation/conversion"
HTTP_SPEC = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
LAKE_SPEC = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
MAPPED_SPEC = {"id": "c1a19761-d2c7-4702-b9fa-fe91f0613e81", "version": "1.0"}
PLAIN_SPEC = {"id": "d8a6f005-7eaf-4153-983e-e8574508b877", "version": "1.0"}


class Api:
    """A connection to each plane, made anew where it is gone; ``flow_parts`` makes the ends of the flows."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection = self._connected("api")
        self._data_plane = self._connected("data")
        self.source = self.target = self.inlet = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer; ``_`` in names of headers stands for ``-``. Raises OSError, HTTPException."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return _asked(self._connection, method, path, body, named)

    def create(self, path: str, body: Any) -> str:
        """Make something; its id."""
        status, answer = self.ask("POST", path, body)
        assert status in (200, 201), answer
        return str(answer["id"])

    def flow_parts(self, dataset: str = "people") -> Self:
        """Another connection, and what flows on it begin and end at from now on."""
        streaming = {"specName": "Streaming Connection", "params": {"dataType": "raw"}}
        body = {"name": "base", "connectionSpec": HTTP_SPEC, "auth": streaming}
        base = self.create(f"{FLOWS}/connections", body)
        [shown] = self.ask("GET", f"{FLOWS}/connections/{base}")[1]["items"]
        self.inlet = shown["auth"]["params"]["inletId"]
        body = {"name": "source", "baseConnectionId": base, "connectionSpec": HTTP_SPEC}
        self.source = self.create(f"{FLOWS}/sourceConnections", body)
        body = {"name": "target", "connectionSpec": LAKE_SPEC, "params": {"dataSetId": dataset}}
        self.target = self.create(f"{FLOWS}/targetConnections", body)
        return self

    def mapping_set(self, **mappings: str) -> str:
        """Make one: expressions by the paths they go to, whose dots are written as ``__``."""
        listed = [
            {"sourceType": "EXPRESSION", "source": source, "destination": path.replace("__", ".")}
            for path, source in mappings.items()
        ]
        reference = {"schemaRef": {"id": SCHEMA, "contentType": "application/json"}}
        return self.create(f"{CONVERSION}/mappingSets", {"outputSchema": reference, "mappings": listed})

    def flow(self, name: str, mapping_set: str) -> str:
        """Make one."""
        return self.create(f"{FLOWS}/flows", self.flow_body(name, mapping_set))

    def flow_body(self, name: str, mapping_set: str) -> dict[str, Any]:
        """What to make one of."""
        return {
            "name": name,
            "flowSpec": MAPPED_SPEC,
            "sourceConnectionIds": [self.source],
            "targetConnectionIds": [self.target],
            "transformations": [mapping(mapping_set)],
        }

    def shown(self, kind: str, name: str) -> dict[str, Any]:
        """An object of the Flow Service. Raises AssertionError where there is none."""
        status, answer = self.ask("GET", f"{FLOWS}/{kind}/{name}")
        assert status == 200, answer
        [found] = answer["items"]
        return dict(found)

    def post(self, record: Any, flow: str) -> int:
        """The status with which the data plane answers a record that names a flow."""
        return _asked(self._data_plane, "POST", f"/collection/{self.inlet}", record, {"x-adobe-flow-id": flow})[0]

    def profile(self, key: str) -> dict[str, Any] | None:
        """What is known of a profile by its key; None: nothing."""
        query = f"schema.name=_xdm.context.profile&entityIdNS=key&entityId={quote(key)}"
        status, answer = self.ask("GET", f"/data/core/ups/access/entities?{query}")
        return dict(next(iter(answer.values()))["entity"]) if status == 200 else None

    def close(self) -> None:
        self._connection.close()
        self._data_plane.close()

    def _connected(self, plane: str) -> http.client.HTTPConnection:
        serving = self._place.config["serve"]
        port = serving["api"]["port"] if plane == "api" else serving["port"]
        return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def api_of(place: Place) -> closing[Api]:
    """The control plane of a place."""
    return closing(Api(place))


def mapping(mapping_set: str, version: int = 0) -> dict[str, Any]:
    """The transformation by a version of a mapping set."""
    return {"name": "Mapping", "params": {"mappingId": mapping_set, "mappingVersion": version}}


def _asked(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: dict[str, str]
) -> tuple[int, Any]:
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content else None
