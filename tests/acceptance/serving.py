"""The way in for acceptance tests: a configuration with one source, its process, and senders of records."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from harness import Place
from ports import free_port
from processes import WARM, Daemon, eventually

INLET = "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"
SCHEMA = "https://ns.example.com/acme/schemas/people"
#: A profile of the tests is a key of this namespace, and its state a number that only grows.
MAPPING = {
    "_acme.profile": "id",
    "_acme.state": "n",
    "person.name.firstName": "split(name, ' ')[0]",
    "workEmail.address": "email",
}
ATTRIBUTES = ["_acme.profile", "_acme.state", "person.name"]


def way_in(place: Place) -> None:
    """Add the way in to a place's configuration: raw records of one inlet become profiles."""
    place.config |= {
        "serve": {"port": free_port(), "api": {"port": free_port()}, "ops": {"host": "127.0.0.1", "port": 0}},
        "intake": {"kind": "journal", "path": str(place.folder / "intake.db")},
        "profiles": {"path": str(place.folder / "profiles.db")},
        "schemas": [
            {
                "id": SCHEMA,
                "groups": ["person", "work_contact", "identity_map", "segmentation"],
                "fields": {"_acme.profile": "string", "_acme.state": "integer"},
                "identities": [
                    {"path": "_acme.profile", "namespace": "Key", "primary": True},
                    {"path": "workEmail.address", "namespace": "Email"},
                ],
            }
        ],
        "datasets": [{"id": "people", "schema": SCHEMA}],
        "mappings": [{"id": "raw", "schema": SCHEMA, "mappings": dict(MAPPING)}],
        "sources": [{"name": "crm", "inlet": INLET, "flows": [{"name": "raw", "dataset": "people", "mapping": "raw"}]}],
    }


def serve(place: Place) -> Daemon:
    """Start ``exporter serve``."""
    return place.daemon("serve", argv=(WARM, "serve"))


def connected(place: Place) -> closing[http.client.HTTPConnection]:
    """A connection to the data plane."""
    port = place.config["serve"]["port"]
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20))


def post(connection: http.client.HTTPConnection, record: object, query: str = "") -> tuple[int, dict[str, Any]]:
    """POST one record; status and answer. Raises OSError or HTTPException where there is none."""
    headers = {"Content-Type": "application/json"}
    connection.request("POST", f"/collection/{INLET}{query}", json.dumps(record).encode(), headers)
    answer = connection.getresponse()
    body: dict[str, Any] = json.loads(answer.read())
    return answer.status, body


def in_segment(number: int, state: int, segment: str) -> dict[str, Any]:
    """An XDM message: a profile, its state, and the segment that it is in."""
    reference = {"id": SCHEMA, "contentType": "application/vnd.adobe.xed-full+json;version=1"}
    entity = {
        "_acme": {"profile": f"p{number}", "state": state},
        "segmentMembership": {"ups": {segment: {"status": "realized"}}},
    }
    header = {"schemaRef": reference, "datasetId": "people"}
    return {"header": header, "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity}}


class Sender(threading.Thread):
    """Sends one state after the other of each of its profiles, the next once the last was answered with 200.

    ``answered`` holds the xactionId of each such answer, with profile and state.
    """

    def __init__(self, place: Place, profiles: Sequence[str], states: int) -> None:
        super().__init__(daemon=True)
        self._place = place
        self._left = [(profile, state) for state in range(states, 0, -1) for profile in reversed(profiles)]
        self.answered: dict[str, tuple[str, int]] = {}
        self.stopped = threading.Event()

    def run(self) -> None:
        """Send all, whatever happens to the server meanwhile."""
        while self._left and not self.stopped.is_set():
            with suppress(OSError, http.client.HTTPException), connected(self._place) as connection:
                self._send(connection)
            time.sleep(0.02)

    def _send(self, connection: http.client.HTTPConnection) -> None:
        while self._left and not self.stopped.is_set():
            profile, state = self._left[-1]
            status, answer = post(connection, {"id": profile, "n": state, "name": f"Ada {state}"})
            if status == 200:
                self.answered[answer["xactionId"]] = (profile, state)
                self._left.pop()


def idle(daemon: Daemon) -> bool:
    """Whether all that was taken is applied and told."""
    samples = daemon.metrics()
    names = ("exporter_source_intake_records", "exporter_source_outbox_events")
    return all(samples.get(f"{name}{{}}") == 0 for name in names)


def backfilled(serving: Daemon, total: int) -> bool:
    """Whether so many profiles were told in backfills of the destination ``crm``, and none is left."""
    samples = serving.metrics()
    return [samples.get(f"exporter_source_backfill_{name}{{crm}}") for name in ("done", "total")] == [total, total]


def settled(place: Place, serving: Daemon, *destinations: str) -> None:
    """Wait until all is applied, told, and exported."""
    eventually("all is applied and told", lambda: serving.alive() and idle(serving))
    eventually("all is exported", lambda: place.settled(*destinations))
