"""Runs of the way in: every record counts once, whatever is killed, and what failed is read as it was sent."""

from __future__ import annotations

import http.client
import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import apsw
from harness import Place
from processes import Daemon, eventually
from serving import INLET, connected, idle, serve, way_in

from exporter.source.collection.taken import TakenRecord

SENDERS = 3
RUNS, BATCHES = "/data/foundation/flowservice/runs", "/data/foundation/catalog/batches"
STATED = "https://ns.example.com/acme/schemas/stated"
VISITS = "https://ns.example.com/acme/schemas/visits"
KEY = {"path": "_acme.profile", "namespace": "Key", "primary": True}
#: Without a state, a record is not as its schema has it.
STATED_SCHEMA = {
    "type": "object",
    "properties": {
        "_acme": {
            "type": "object",
            "properties": {"profile": {"type": "string"}, "state": {"type": "integer"}},
            "required": ["state"],
        }
    },
}
#: The flow by which records are taken, and what they come to.
KINDS = {
    "good": ("raw", "output"),
    "unmapped": ("raw", "mapping"),
    "member": ("members", "output"),
    "misshapen": ("members", "xdm"),
    "visit": ("visits", "unchanged"),
    "nobody": ("", "no_primary_identity"),
}


def configured(place: Place) -> None:
    """One inlet with a flow that maps, flows of XDM, and a dataset without a flow."""
    way_in(place)
    place.config["intake"]["retain"] = "1h"
    place.config["schemas"] += [
        {"id": STATED, "schema": STATED_SCHEMA, "identities": [KEY]},
        {"id": VISITS, "behaviour": "time_series", "fields": {"_acme.profile": "string"}, "identities": [KEY]},
    ]
    place.config["datasets"] = [
        *({"id": each, "schema": STATED} for each in ("people", "members", "loose")),
        {"id": "visits", "schema": VISITS},
    ]
    mappings = {"_acme.profile": "id", "_acme.state": "to_integer(n)"}
    place.config["mappings"] = [{"id": "raw", "schema": STATED, "mappings": mappings}]
    place.config["sources"][0] |= {
        "datasets": ["loose"],
        "flows": [
            {"name": "raw", "dataset": "people", "mapping": "raw"},
            *({"name": each, "dataset": each} for each in ("members", "visits")),
        ],
    }


def xdm(dataset: str, entity: Mapping[str, Any]) -> dict[str, Any]:
    reference = {"id": VISITS if dataset == "visits" else STATED, "contentType": "application/json"}
    body = {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity}
    return {"header": {"schemaRef": reference, "datasetId": dataset}, "body": body}


def message(kind: str, number: int) -> bytes:
    """A message that comes to what its kind does, with a number that no other has; some have line breaks."""
    profile = f"p-{number % 7}"
    moment = "2026-01-01T00:00:00Z"
    made = {
        "good": {"id": profile, "n": number},
        "unmapped": {"id": profile, "n": f"x{number}"},
        "member": xdm("members", {"_acme": {"profile": profile, "state": number}}),
        "misshapen": xdm("members", {"_acme": {"profile": profile, "state": f"x{number}"}}),
        "visit": xdm("visits", {"_id": f"v{number}", "timestamp": moment, "_acme": {"profile": "somebody"}}),
        "nobody": xdm("loose", {"_acme": {"state": number}}),
    }[kind]
    return json.dumps(made, indent=2 if number % 2 else None).encode()


class Mixed(threading.Thread):
    """Sends messages of all kinds, alone and in batches, until it is stopped, whatever happens to the server."""

    def __init__(self, place: Place, number: int) -> None:
        super().__init__(daemon=True)
        self._place = place
        self._chance = random.Random(number)
        self._next = number
        self.stopped = threading.Event()
        #: The names of the records that were answered, and their messages.
        self.answered: dict[str, bytes] = {}
        self.refused = 0

    def run(self) -> None:
        while not self.stopped.is_set():
            with suppress(OSError, http.client.HTTPException), connected(self._place) as connection:
                while not self.stopped.is_set():
                    if self._chance.random() < 0.5:
                        self._send(connection)
                    else:
                        self._send_batch(connection)
            time.sleep(0.02)

    def _message(self) -> bytes:
        self._next += SENDERS
        return message(self._chance.choice([*KINDS, "good"]), self._next)

    def _send(self, connection: http.client.HTTPConnection) -> None:
        sent = self._message()
        status, answer = _posted(connection, f"/collection/{INLET}", sent)
        if status == 200:
            self.answered[answer["xactionId"]] = sent

    def _send_batch(self, connection: http.client.HTTPConnection) -> None:
        sent = [self._message() for _ in range(self._chance.randint(1, 6))]
        sent.insert(self._chance.randint(0, len(sent)), b"7")
        status, answer = _posted(connection, f"/collection/batch/{INLET}", b'{"messages":[%s]}' % b",".join(sent))
        if status == 207:
            for each, body in zip(answer["responses"], sent, strict=True):
                if "status" in each:
                    self.refused += 1
                else:
                    self.answered[each["xactionId"]] = body


def _posted(connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def asked(place: Place, path: str, **query: str) -> bytes:
    """What the control plane answers with 200."""
    port = place.config["serve"]["api"]["port"]
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", f"{path}?{urlencode(query)}" if query else path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body


def counted(place: Place) -> dict[str, Counter[str]]:
    """Input, output and failed of the flows by name, over their runs."""
    names = {each["id"]: each["name"] for each in flows(place)}
    found: dict[str, Counter[str]] = {}
    for run in json.loads(asked(place, RUNS, limit="100"))["items"]:
        summary = run["metrics"]["recordSummary"]
        counts = {each: summary[f"{each}RecordCount"] for each in ("input", "output", "failed")}
        assert counts["input"] == counts["output"] + counts["failed"]
        assert sum(each["count"] for each in summary["failedInfo"]) == counts["failed"]
        found.setdefault(names[run["flowId"]], Counter()).update(counts)
    return found


def came_to(serving: Daemon) -> float:
    """How many records came to something in this process, be it anew."""
    name = "exporter_source_records_total{"
    return sum(count for each, count in serving.metrics().items() if each.startswith(name) and "taken" not in each)


def flows(place: Place) -> list[dict[str, str]]:
    """Ids and names of the flows, which were made at the first start."""
    with closing(apsw.Connection(place.config["state"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        rows = connection.execute("SELECT id, name FROM made_ids WHERE name LIKE 'flow/%'")
        return [{"id": each, "name": name.split("/")[2]} for each, name in rows]


def taken(place: Place) -> list[TakenRecord]:
    """All records that the intake has ever had."""
    with closing(apsw.Connection(place.config["intake"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return [TakenRecord.from_bytes(body) for (body,) in connection.execute("SELECT body FROM events")]


def expected(place: Place, records: Sequence[TakenRecord], mended: bool = False) -> dict[str, Counter[str]]:
    """What the runs should say of the records."""
    names = {each["id"]: each["name"] for each in flows(place)}
    found: dict[str, Counter[str]] = {}
    for record in records:
        if record.flow:
            _, outcome = KINDS[kind_of(record.body)]
            fine = outcome in ("output", "unchanged") or (mended and outcome == "mapping")
            count = found.setdefault(names[record.flow], Counter({"failed": 0}))
            count.update({"input": 1, "output": int(fine), "failed": int(not fine)})
    return found


def kind_of(body: bytes) -> str:
    made = json.loads(body)
    if "id" in made:
        return "good" if isinstance(made["n"], int) else "unmapped"
    dataset, entity = made["header"]["datasetId"], made["body"]["xdmEntity"]
    if dataset == "members":
        return "member" if isinstance(entity["_acme"]["state"], int) else "misshapen"
    return "visit" if dataset == "visits" else "nobody"


def failed_lines(place: Place) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Every line of every failed batch, with the batch."""
    for name, batch in json.loads(asked(place, BATCHES, limit="100", status="failed", orderBy="desc:created")).items():
        href, lines = f"/data/foundation/export/batches/{name}/failed", []
        while href:
            body = json.loads(asked(place, href))
            for each in body["data"]:
                content = asked(place, each["_links"]["self"]["href"])
                assert len(content) == int(each["length"])
                lines += content.splitlines()
            href = body["_links"].get("next", {}).get("href", "")
        assert len(lines) == batch["metrics"]["failedRecordCount"]
        yield from ((batch, line) for line in lines)


def test_each_record_counts_once_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(7)
    with Place(tmp_path) as place:
        configured(place)
        place.write()
        serving = serve(place).ready()
        with connected(place) as connection:  # so that a visit is no news
            assert _posted(connection, f"/collection/{INLET}", message("visit", 0))[0] == 200
        senders = [Mixed(place, number) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        for _ in range(5):
            time.sleep(chance.uniform(0.1, 0.6))
            serving.kill()
            serving = serve(place).ready()
        for sender in senders:
            sender.stopped.set()
            sender.join()
        eventually("all is applied", lambda: serving.alive() and idle(serving))
        records = taken(place)
        answered = {name: body for sender in senders for name, body in sender.answered.items()}
        assert len(answered) > 200
        # What was answered is taken, once; of a request that a kill left without an answer, nobody knows.
        assert len({record.xaction_id for record in records}) == len(records)
        assert not answered.items() - {record.xaction_id: record.body for record in records}.items()
        # Refused elements of batches are no input: their senders were told.
        assert sum(sender.refused for sender in senders) > 10
        assert counted(place) == expected(place, records)
        _what_failed_is_read_as_it_was_sent(place, records)
        _comes_again(place, serving, records)


def _what_failed_is_read_as_it_was_sent(place: Place, records: Sequence[TakenRecord]) -> None:
    reasons = {"mapping": "MAPPER-3700-400", "xdm": "INGEST-1212-400", "no_primary_identity": "PROFILE-1101-400"}
    sent: Counter[tuple[str, str, bytes]] = Counter()
    for record in records:
        reason = KINDS[kind_of(record.body)][1]
        if reason in reasons:
            sent[reasons[reason], record.dataset, record.body.replace(b"\n", b" ")] += 1
    found: Counter[tuple[str, str, bytes]] = Counter()
    for batch, line in failed_lines(place):
        body, _, errors = line.partition(b',"_errors":')
        assert json.loads(line)["_errors"]["_streamingValidation"][0]["message"]
        [error] = batch["errors"]
        found[error["code"], batch["relatedObjects"][0]["id"], body] += 1
        assert errors
    # What stands between the last value and the bracket that closes the message is blank.
    assert found == Counter(
        {(code, dataset, body[:-1].rstrip()): count for (code, dataset, body), count in sent.items()}
    )


def _comes_again(place: Place, serving: Daemon, records: Sequence[TakenRecord]) -> None:
    """A replay moves what is mended from failed to output, and else nothing that is put in again counts anew."""

    def again(*words: str) -> None:
        before = came_to(serving)
        done = place.command("source", *words, "--json")
        assert done.returncode == 0, done.stderr
        asked = json.loads(done.stdout)["asked"]
        assert asked
        # How much waits in the intake is read now and then, so nothing may seem to wait for a moment yet.
        eventually("all is applied", lambda: serving.alive() and came_to(serving) == before + asked and idle(serving))

    again("deadletters", "replay", "--all")
    again("reprocess", "--since", "1h")
    assert counted(place) == expected(place, records)
    place.config["mappings"][0]["mappings"]["_acme.state"] = "iif(matches_regex(n, 'x.*'), 1, 2)"
    place.write()
    serving.send(signal.SIGHUP)
    eventually("it reloads", lambda: serving.alive() and serving.logs("reloaded"))
    again("deadletters", "replay", "--reason", "mapping")
    assert counted(place) == expected(place, records, mended=True)
    again("reprocess", "--since", "1h")
    assert counted(place) == expected(place, records, mended=True)
    assert {batch["relatedObjects"][0]["id"] for batch, _ in failed_lines(place)} == {"members", "loose"}
    assert serving.terminate() == 0
