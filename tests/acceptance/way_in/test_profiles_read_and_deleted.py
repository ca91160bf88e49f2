"""Profiles from a record to their end: read by API and command, deleted, and the exit told to a destination."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from harness import Place
from processes import Daemon, eventually
from serving import ATTRIBUTES, INLET, connected, idle, post, serve, settled, way_in

ENTITIES = "/data/core/ups/access/entities"
MEMBER = {"segmentMembership": {"ups": {"s": {"status": "realized", "lastQualificationTime": "2026-01-01T00:00:00Z"}}}}


def xdm(place: Place, entity: dict[str, Any]) -> dict[str, Any]:
    """A message in XDM."""
    schema = {"id": place.config["schemas"][0]["id"], "contentType": "application/vnd.adobe.xed-full+json;version=1"}
    header = {"schemaRef": schema, "imsOrgId": "ABCDEF0123456789@AdobeOrg", "datasetId": "people"}
    return {"header": header, "body": {"xdmMeta": {"schemaRef": schema}, "xdmEntity": entity}}


class Serving:
    """A place whose way in runs, for all tests of this file."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.daemon: Daemon = serve(place).ready()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of the control plane's answer."""
        port = self.place.config["serve"]["api"]["port"]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None, dict(answer.headers)

    def entity(self, method: str, key: str, **more: str) -> tuple[int, Any]:
        query = urlencode({"schema.name": "_xdm.context.profile", "entityId": key, "entityIdNS": "KEY", **more})
        status, body, _ = self.ask(method, f"{ENTITIES}?{query}")
        return status, body

    def records(self, *records: dict[str, Any]) -> list[str]:
        with connected(self.place) as connection:
            answers = [post(connection, each) for each in records]
        assert [status for status, _ in answers] == [200] * len(records)
        eventually("they are applied", lambda: self.daemon.alive() and idle(self.daemon))
        return [answer["xactionId"] for _, answer in answers]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        way_in(place)
        place.config["sources"][0]["flows"].append({"name": "xdm", "dataset": "people"})
        place.write()
        yield Serving(place)


def test_from_a_record_to_its_deletion(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.config["sources"][0]["flows"].append({"name": "xdm", "dataset": "people"})
        receiver = place.receiver()
        # With an earlier start, a backfill of the segment would tell the first record a second time.
        place.destination("crm", receiver.url, attributes=ATTRIBUTES, segments=["s"], start="latest")
        place.write()
        serving, daemon = Serving(place), place.daemon().ready()
        [xaction_id] = serving.records(xdm(place, {"_acme": {"profile": "p1", "state": 1}, **MEMBER}))
        [shown] = place.lines("profile", "show", "Key", " p1 ", "--json")
        assert shown["tags"] == [xaction_id]
        assert shown["entity"]["_acme"] == {"profile": "p1", "state": 1}
        assert "p1" in place.command("profile", "show", "key", "p1").stdout
        status, wished = serving.entity("DELETE", "p1")
        assert status == 202
        settled(place, serving.daemon, "crm")
        assert place.command("profile", "show", "key", "p1").returncode == 1
        first, second = receiver.received()
        assert json.loads(first.body)["segmentMembership"]["ups"]["s"]["status"] == "realized"
        assert json.loads(second.body)["segmentMembership"]["ups"]["s"]["status"] == "exited"
        assert "_acme" not in json.loads(second.body)
        assert second.idempotency_key == f"crm:{wished['xactionId']}"
        assert serving.daemon.terminate() == 0
        assert daemon.terminate() == 0


def test_an_entity_is_read(serving: Serving) -> None:
    [xaction_id] = serving.records({"id": "read", "n": 1, "name": "Ada"})
    status, body = serving.entity("GET", "read")
    assert status == 200
    [(xid, profile)] = body.items()
    assert profile["entityId"] == xid
    assert profile["identityGraph"] == [xid]
    assert (profile["sources"], profile["tags"]) == (["people"], [xaction_id])
    assert profile["entity"]["person"] == {"name": {"firstName": "Ada"}}
    assert profile["lastModifiedAt"].endswith("Z")
    _, body = serving.entity("GET", "read", fields="person.name,nowhere.at.all")
    assert body[xid]["entity"] == {"person": {"name": {"firstName": "Ada"}}}


def test_several_entities_are_read_at_once(serving: Serving) -> None:
    serving.records({"id": "one", "n": 1}, {"id": "two", "n": 2, "name": "Ada"})
    asked = [{"entityId": key, "entityIdNS": {"code": "KEY"}} for key in ("one", "two", "nobody")]
    sent = {"schema": {"name": "_xdm.context.profile"}, "identities": asked}
    status, body, _ = serving.ask("POST", ENTITIES, json.dumps(sent).encode())
    assert (status, len(body)) == (200, 3)
    one, two, nobody = body.values()
    _, alone = serving.entity("GET", "one")
    assert alone == {one["entityId"]: one}
    assert set(nobody) == set(one)
    assert (nobody["entity"], nobody["sources"], nobody["lastModifiedAt"]) == ({}, [], "1970-01-01T00:00:00Z")
    _, picked, _ = serving.ask("POST", ENTITIES, json.dumps({**sent, "fields": ["person"]}).encode())
    assert picked[two["entityId"]]["entity"] == {"person": {"name": {"firstName": "Ada"}}}
    refused: tuple[dict[str, Any], ...] = (
        {},
        {"identities": []},
        {"identities": asked[:1] * 1001},
        {"identities": [{"entityId": "one"}]},
        {"identities": [{"entityId": 1, "entityIdNS": {"code": "KEY"}}]},
        {"identities": ["one"]},
        {**sent, "fields": "person"},
        {**sent, "schema": {"name": "_xdm.context.experienceevent"}},
    )
    for wrong in refused:
        assert serving.ask("POST", ENTITIES, json.dumps(wrong).encode())[0] == 400
    assert serving.ask("POST", ENTITIES, b"no json")[0] == 400
    assert serving.ask("POST", ENTITIES, b" " * (1 << 20) + b"{")[0] == 413


def test_the_merge_policy_is_listed(serving: Serving) -> None:
    serving.records({"id": "merged", "n": 1})
    status, body, _ = serving.ask("GET", "/data/core/ups/config/mergePolicies?limit=100")
    [policy] = body["children"]
    assert (status, body["_links"]) == (200, {"next": {"href": ""}})
    assert (policy["attributeMerge"], policy["identityGraph"]) == ({"type": "timestampOrdered"}, {"type": "pdg"})
    [profile] = serving.entity("GET", "merged")[1].values()
    assert profile["mergePolicy"] == {"id": policy["id"]}


def test_what_is_not_there_says_so_in_the_shape_that_clients_know(serving: Serving) -> None:
    unknown = serving.entity("GET", "nobody")
    elsewhere = serving.ask("GET", "/data/foundation/flowservice/nothing/")[:2]
    for status, body in (unknown, elsewhere):
        assert status == 404
        assert set(body) == {"errorCode", "errorMessage", "errorDetails", "status"}
        assert body["status"] == 404
    assert serving.ask("GET", f"{ENTITIES}?entityId=x")[0] == 400
    status, _, headers = serving.ask("PUT", ENTITIES, b"{}")
    assert (status, headers["Allow"]) == (405, "GET, POST, DELETE")
    assert serving.ask("GET", f"{ENTITIES}?entityId=x&entityIdNS=y", headers={"x-sandbox-name": "lost"})[0] == 404


def test_records_are_taken_here_too(serving: Serving) -> None:
    record = json.dumps({"id": "here", "n": 1}).encode()
    for path in (f"/collection/{INLET}", f"/data/foundation/import/collection/{INLET}/"):
        status, body, _ = serving.ask("POST", path, record, {"Expect": "100-continue"})
        assert (status, set(body)) == (200, {"inletId", "xactionId", "receivedTimeMs"})
    packed = {"Content-Encoding": "gzip"}
    assert serving.ask("POST", f"/collection/{INLET}", gzip.compress(record), packed)[0] == 200
    assert serving.ask("POST", f"/collection/{INLET}", gzip.compress(b"x" * (1 << 20) + b"x"), packed)[0] == 413
    assert serving.ask("POST", f"/collection/{INLET}", b"x" * (1 << 20) + b"x")[0] == 413
    assert serving.ask("POST", "/collection/lost", record)[0] == 404
    eventually("it is applied", lambda: serving.daemon.alive() and idle(serving.daemon))
    assert serving.entity("GET", "here")[0] == 200


def test_no_page_of_a_browser_reads_or_deletes(serving: Serving) -> None:
    path = f"{ENTITIES}?entityId=x&entityIdNS=y"
    for headers in ({"Host": "evil.example"}, {"Origin": "http://127.0.0.1"}, {"Origin": "null"}):
        for method in ("GET", "DELETE"):
            assert serving.ask(method, path, headers=headers)[0] == 403
    assert serving.ask("GET", path, headers={"Host": "localhost:1"})[0] == 404


def test_a_deletion_takes_bad_records_along_and_what_is_sent_later_stays(serving: Serving) -> None:
    place = serving.place
    bad = [xdm(place, {"_acme": {"profile": name, "state": "no number"}}) for name in ("gone", "other")]
    serving.records({"id": "gone", "n": 1}, *bad)
    letters = place.lines("source", "deadletters", "list", "--json")
    assert len(letters) == 2
    assert serving.entity("DELETE", "gone")[0] == 202
    serving.records({"id": "gone", "n": 7})
    _, body = serving.entity("GET", "gone")
    [profile] = body.values()
    assert profile["entity"]["_acme"]["state"] == 7
    assert len(place.lines("source", "deadletters", "list", "--json")) == 1


def test_commands_delete_unlink_export_and_import(serving: Serving) -> None:
    place = serving.place
    serving.records({"id": "kept", "n": 1}, {"id": "lost", "n": 1})
    file = place.folder / "profiles.jsonl"
    assert place.command("profile", "export", str(file)).returncode == 0
    assert file.stat().st_mode & 0o077 == 0
    assert place.command("profile", "delete", "Key", "lost").returncode == 2  # nobody is there to confirm it
    unknown = place.command("profile", "unlink", "Key", "nobody")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    unknown = place.command("profile", "delete", "Key", "nobody", "--yes")
    assert unknown.returncode == 1
    assert "there is no profile of this identity now" in unknown.stderr
    [wished] = place.lines("profile", "delete", "Key", "lost", "--yes", "--json")
    assert set(wished) == {"xactionId"}
    [unlinked] = place.lines("profile", "unlink", "Key", "kept", "--json")
    assert set(unlinked) == {"xactionId"}
    eventually("it is gone", lambda: serving.daemon.alive() and serving.entity("GET", "lost")[0] == 404)
    there = len(file.read_bytes().splitlines())
    eventually("all is told", lambda: serving.daemon.alive() and idle(serving.daemon))
    told = serving.daemon.metrics()["exporter_source_events_total{}"]
    [imported] = place.lines("profile", "import", str(file), "--json")
    assert imported == {"stored": 1, "known": there - 1}
    assert serving.entity("GET", "lost")[0] == 200
    assert idle(serving.daemon)
    assert serving.daemon.metrics()["exporter_source_events_total{}"] == told
    file.write_bytes(file.read_bytes() + b"no profile\n")
    done = place.command("profile", "import", str(file))
    assert done.returncode == 1
    assert f"line {there + 1} is no exported profile" in done.stderr
    assert place.command("profile", "import", str(place.folder / "lost")).returncode == 1


def test_elsewhere_than_on_this_machine_only_with_tokens(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.config["serve"]["api"]["host"] = "0.0.0.0"
        place.write()
        done = place.command("check")
        assert done.returncode == 78
        assert "serve.api.auth" in done.stderr
        assert str(place.file) in done.stderr
        place.config["serve"]["api"] |= {"host": "127.0.0.1", "auth": "tokens", "api_keys": ["k"]}
        place.config["serve"]["tokens"] = {"static": [{"name": "loader", "token": "secret-token"}]}
        place.write()
        serving = Serving(place)
        path = f"{ENTITIES}?entityId=x&entityIdNS=y"
        right = {"Authorization": "Bearer secret-token", "x-api-key": "k", "x-gw-ims-org-id": "o"}
        codes = {}
        for name in ("Authorization", "x-api-key", "x-gw-ims-org-id"):
            _, body, _ = serving.ask("GET", path, headers={key: right[key] for key in right if key != name})
            codes[name] = body["error_code"]
        assert codes == {"Authorization": "403010", "x-api-key": "403000", "x-gw-ims-org-id": "400003"}
        assert serving.ask("GET", path, headers=right | {"Authorization": "Bearer x"})[0] == 401
        assert (
            serving.ask("GET", path, headers=right | {"Host": "api.example", "Origin": "https://app.example"})[0] == 404
        )
        with closing(socket.create_connection(("127.0.0.1", place.config["serve"]["api"]["port"]))) as half:
            half.sendall(b"GET / HTTP/1.1\r\n")
            assert serving.daemon.terminate() == 0
