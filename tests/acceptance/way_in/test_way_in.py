"""From a raw record by HTTP to a delivered export: ``exporter serve`` and ``exporter run`` on one configuration."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from harness import Place
from processes import eventually, fetch
from serving import ATTRIBUTES, INLET, connected, idle, post, serve, settled, way_in


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as place:
        way_in(place)
        yield place


def test_a_record_becomes_a_profile_an_event_and_an_export(place: Place) -> None:
    receiver = place.receiver()
    place.destination("crm", receiver.url, attributes=ATTRIBUTES, require_membership=False)
    place.write()
    serving, daemon = serve(place).ready(), place.daemon().ready()
    with connected(place) as connection:
        status, first = post(connection, {"id": "p1", "n": 1, "name": "Ada Lovelace", "email": "ada@example.com"})
        assert (status, set(first)) == (200, {"inletId", "xactionId", "receivedTimeMs"})
        _, second = post(connection, {"id": "p1", "n": 2, "name": "Ada King"})
    settled(place, serving, "crm")
    assert serving.terminate() == 0
    assert daemon.terminate() == 0
    with closing(apsw.Connection(place.config["profiles"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        # Where the clock is set back meanwhile, the next process goes on from here.
        assert connection.execute("SELECT value FROM counters WHERE name = 'taken'").get == second["receivedTimeMs"]
    received = receiver.received()
    assert [each.idempotency_key for each in received] == [f"crm:{each['xactionId']}" for each in (first, second)]
    assert [json.loads(each.body) for each in received] == [
        {
            "_acme": {"profile": "p1", "state": 1},
            "person": {"name": {"firstName": "Ada"}},
            "identityMap": {"key": [{"id": "p1"}], "email": [{"id": "ada@example.com"}]},
        },
        {
            "_acme": {"profile": "p1", "state": 2},
            "person": {"name": {"firstName": "Ada"}},
            "identityMap": {"key": [{"id": "p1"}], "email": [{"id": "ada@example.com"}]},
        },
    ]


def test_links_that_are_made_and_refused_are_counted(place: Place) -> None:
    place.config["identities"] = {"unique": ["email"]}
    place.write()
    serving = serve(place).ready()
    with connected(place) as connection:
        for email in ("a@example.com", "a@example.com", "b@example.com"):
            assert post(connection, {"id": "p1", "n": 1, "email": email})[0] == 200
        assert post(connection, {"id": "p2", "n": 1})[0] == 200
    eventually("all is counted", lambda: serving.alive() and serving.metrics().get("exporter_source_profiles{}") == 2)
    samples = serving.metrics()
    assert samples["exporter_source_identities{}"] == 3
    assert samples["exporter_source_joins_total{}"] == 0
    assert samples["exporter_source_refused_links_total{}"] == 1
    assert serving.terminate() == 0


def test_what_cannot_be_applied_is_a_bad_record_and_told_to_a_sender_that_asks(place: Place) -> None:
    place.write()
    serving = serve(place).ready()
    with connected(place) as connection:
        status, _ = post(connection, {"n": 1})
        assert status == 200
        status, refused = post(connection, {"n": 1}, "?syncValidation=true")
    assert status == 400
    assert "Message is invalid" in refused["report"]["message"]
    eventually("it is applied", lambda: idle(serving))
    samples = serving.metrics()
    assert samples["exporter_source_records_total{raw,bad}"] == 1
    assert samples["exporter_source_requests_total{200,crm}"] == 1
    assert fetch(f"http://127.0.0.1:{serving.port}/ready")[0] == 200
    assert serving.terminate() == 0


def test_what_a_mapping_has_no_room_for_is_refused_whole(place: Place) -> None:
    place.config["max_event_bytes"] = "2KiB"
    place.write()
    serving = serve(place).ready()
    record = {"id": "p1", "n": 1, "email": f"{'a' * 3000}@example.com"}
    with connected(place) as connection:
        status, refused = post(connection, record, "?syncValidation=true")
        assert status == 400
        assert "the record's result is larger than 2048 bytes" in json.dumps(refused["report"])
        assert post(connection, record)[0] == 200
    eventually("its turn has come", lambda: idle(serving))
    [bad] = place.lines("source", "deadletters", "list", "--json")
    assert (bad["reason"], bad["detail"]) == ("mapping", "the record's result is larger than 2048 bytes")
    assert place.command("profile", "show", "key", "p1").returncode == 1
    assert serving.terminate() == 0


def test_a_sender_that_asks_is_told_of_an_operation_that_is_none(place: Place) -> None:
    """Kept, it would be a bad record behind a 200."""
    place.write()
    serving = serve(place).ready()
    message = {"header": {"operations": {"data": "upsert"}}, "body": {"id": "p1", "n": 1}}
    with connected(place) as connection:
        status, refused = post(connection, message, "?syncValidation=true")
    assert status == 400
    assert "header.operations.data" in json.dumps(refused["report"])
    assert serving.terminate() == 0


def test_a_sender_that_asks_is_told_what_no_profile_could_take(place: Place) -> None:
    """In the words of the preview and of the bad record that it would be."""
    place.config["identities"] = {"ignore": ["n/a"]}
    place.config["max_event_bytes"] = "2KiB"
    place.write()
    serving = serve(place).ready()
    ignored, large = {"id": "N/A", "n": 1}, {"id": "p2", "n": 1, "email": f"{'a' * 1500}@example.com"}
    with connected(place) as connection:
        refusals = [post(connection, record, "?syncValidation=true") for record in (ignored, large)]
        assert post(connection, {"id": "p1", "n": 1}, "?syncValidation=true")[0] == 200
        assert post(connection, ignored)[0] == post(connection, large)[0] == 200
    eventually("their turn has come", lambda: idle(serving))
    details = [each["detail"] for each in place.lines("source", "deadletters", "list", "--json")]
    assert details[0] == "its primary identity is one of identities.ignore"
    assert "max_event_bytes" in details[1]
    for (status, refused), detail in zip(refusals, details, strict=True):
        assert status == 400
        assert refused["report"]["cause"]["_streamingValidation"][0]["message"] == detail
    assert serving.terminate() == 0


def test_times_that_a_clock_was_ahead_with_are_told_after_a_restart(place: Place) -> None:
    place.write()
    serving = serve(place).ready()
    with connected(place) as connection:
        assert post(connection, {"id": "p1", "n": 1})[0] == 200
    eventually("it is applied", lambda: idle(serving))
    assert serving.metrics()["exporter_source_clock_behind_seconds{}"] == 0
    assert serving.terminate() == 0
    with closing(apsw.Connection(place.config["profiles"]["path"])) as profiles:
        profiles.execute("UPDATE counters SET value = value + 3600000 WHERE name = 'taken'")
    serving = serve(place).ready()
    [line] = eventually("it is told", lambda: serving.logs("clock behind") if serving.alive() else [])
    assert 3000 < line["seconds"] < 3601
    assert serving.metrics()["exporter_source_clock_behind_seconds{}"] > 3000
    assert fetch(f"http://127.0.0.1:{serving.port}/ready")[0] == 200
    assert serving.terminate() == 0


def test_a_port_that_is_taken_is_the_reason_of_the_end(place: Place) -> None:
    with closing(socket.create_server(("127.0.0.1", place.config["serve"]["port"]))):
        place.write()
        serving = serve(place)
        assert serving.wait() == 1
    [line] = serving.logs("cannot start")
    port = place.config["serve"]["port"]
    assert line["detail"] == f"cannot take records on 127.0.0.1:{port}: Address already in use"


def test_new_databases_are_told_with_their_places(place: Place) -> None:
    place.write()
    serving = serve(place).ready()
    assert {line["what"]: line["path"] for line in serving.logs("new database")} == {
        name: str(place.folder / f"{name}.db") for name in ("state", "queue", "intake", "profiles")
    }
    assert serving.terminate() == 0


@pytest.mark.parametrize("intake", ["intake", "another"])
def test_a_second_process_waits_for_the_first(place: Place, intake: str) -> None:
    place.write()
    first = serve(place).ready()
    place.config["intake"]["path"] = str(place.folder / f"{intake}.db")
    place.write()
    second = serve(place)
    eventually("it stands by", lambda: second.alive() and second.logs("ops"))
    port = second.logs("ops")[0]["port"]
    ready = f"http://127.0.0.1:{port}/ready"
    eventually("it says so", lambda: second.alive() and b"as a standby" in fetch(ready)[1])
    assert fetch(ready)[0] == 503
    eventually("the log says so", lambda: second.alive() and second.logs("standby"))
    first.kill()
    second.ready()
    with connected(place) as connection:
        assert post(connection, {"id": "p1", "n": 1, "name": "Ada"})[0] == 200
    assert second.terminate() == 0


def test_a_full_store_of_bad_records_is_told_with_the_way_out(place: Place) -> None:
    place.config["bad_records_max_bytes"] = "200KiB"
    place.write()
    serving = serve(place).ready()

    def status() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(fetch(f"http://127.0.0.1:{serving.port}/status")[1])
        return document

    def full() -> bool:
        waiting = [line["detail"] for line in serving.logs("waiting")] if serving.alive() else []
        return any("bad_records_max_bytes; `exporter source deadletters purge`" in detail for detail in waiting)

    bad = {"n": "none", "filler": "x" * 90_000}
    with connected(place) as connection:
        for _ in range(2):
            assert post(connection, bad)[0] == 200
        # What is kept in one call is kept whole or not at all, so the third comes alone.
        kept = eventually("they are counted", lambda: found if (found := status())["bad_records"] == 2 else None)
        assert post(connection, bad)[0] == 200
        assert post(connection, {"id": "p1", "n": 1, "name": "Ada"})[0] == 200
    eventually("it waits", full)
    assert status()["bad_records"] == 2
    assert 180_000 < kept["bad_records_bytes"] <= 200 * 1024
    metrics = fetch(f"http://127.0.0.1:{serving.port}/metrics")[1].decode()
    assert "exporter_source_bad_records 2.0" in metrics
    assert "bad records  2 records kept" in place.command("source", "status").stdout
    unknown = place.command("source", "status", "--flow", "nope")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "there is no flow nope" in unknown.stderr
    [flow] = status()["flows"]
    for key in ("id", "name"):
        assert f"\n{flow['name']} " in place.command("source", "status", "--flow", flow[key]).stdout
    assert place.command("source", "deadletters", "purge", "--all", "--yes").returncode == 0
    eventually("it goes on", lambda: serving.alive() and serving.logs("goes on"))
    eventually("all is applied", lambda: serving.alive() and idle(serving))
    assert serving.terminate() == 0


def test_a_second_signal_does_not_wait_for_what_is_in_hand(place: Place) -> None:
    place.config["serve"] |= {"drain": 60, "hold": 12}
    place.write()
    serving = serve(place).ready()
    with closing(socket.create_connection(("127.0.0.1", place.config["serve"]["port"]))) as client:
        client.sendall(f"POST /collection/{INLET} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode())
        with connected(place) as connection:
            assert post(connection, {"id": "p1", "n": 1, "name": "Ada"})[0] == 200
        serving.send(signal.SIGTERM)
        eventually("it waits", lambda: serving.alive() and serving.logs("stopping"))
        serving.send(signal.SIGTERM)
        assert serving.wait() == 0
    assert serving.logs("cut")


def test_an_inlet_that_is_left_out_is_made_once(place: Place) -> None:
    del place.config["sources"][0]["inlet"]
    place.write()
    made = set()
    for _ in range(2):
        assert serve(place).ready().terminate() == 0
        with closing(apsw.Connection(place.config["state"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            made.add(connection.execute("SELECT id FROM made_ids WHERE name = 'inlet/crm'").get)
    [inlet] = made
    assert len(bytes.fromhex(inlet)) == 32
    # The same id for something else would make two of one.
    place.config["sources"].append({"name": "other", "inlet": inlet})
    place.write()
    refused = serve(place)
    assert refused.wait() == 78
    [line] = refused.logs("refused")
    assert line["detail"] == "sources crm and other have one inlet id, which was made for one of the two"


def test_mistakes_of_all_kinds_are_told_at_once_with_their_places(place: Place) -> None:
    place.config["datasets"].append({"id": "people", "schema": "nowhere"})
    place.config["sources"][0]["flows"][0]["dataset"] = "lost"
    place.config["mappings"][0]["mappings"]["person.name.firstName"] = "split(name, ,,"
    place.write()
    done = place.command("check")
    assert done.returncode == 78
    said = done.stdout + done.stderr
    for part in ("datasets[1].id", "flows[0].dataset: there is no dataset", "is no expression from character"):
        assert part in said
