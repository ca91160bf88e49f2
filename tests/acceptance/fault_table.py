"""The fault table: what each kind of failure may cost, and what it must not, on either transport.

All rows run at once on both transports, as the destinations of one daemon, since most of their time is waiting. A test
file subclasses ``FaultTable`` and has a fixture ``outcome``, which is ``outcome_on`` some queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from endpoints import Receiver
from events import Source
from harness import Place
from judging import judged
from processes import Daemon, eventually

from exporter.receiver.oracle import Judgement

PROFILES = 60
TOKEN = "the-only-token"
SECRET = "a-client-secret"
#: Three probes fail, and the fourth, some 15 s after the first failure, finds the endpoint well.
OUTAGE_SECONDS = 12


def _nothing(receiver: Receiver) -> None:
    pass


def _bearer(receiver: Receiver) -> dict[str, Any]:
    return {"kind": "bearer", "token": TOKEN}


def _oauth2(receiver: Receiver) -> dict[str, Any]:
    return {
        "kind": "oauth2_client_credentials",
        "token_url": receiver.token_url,
        "client_id": "demo",
        "client_secret": SECRET,
    }


def _none(receiver: Receiver) -> dict[str, Any]:
    return {"kind": "none"}


@dataclass(frozen=True)
class Row:
    """One fault: from when on, for how long, and what it may cost."""

    name: str
    begin: Callable[[Receiver], None]
    end: Callable[[Receiver], None] = _nothing
    seconds: float = 0.0
    dead_letters: int = 0
    pauses: frozenset[str] = frozenset()
    options: Sequence[str] = ()
    auth: Callable[[Receiver], dict[str, Any]] = _none
    delivery: Mapping[str, Any] = field(default_factory=dict)


ROWS = [
    Row(
        "a tenth is answered 503",
        lambda receiver: receiver.control(fail_rate=0.1, fail_status=[503]),
        dead_letters=10,  # one in a thousand fails three times in a row; expected: 1.2
    ),
    Row(
        "a third is answered 429",
        lambda receiver: receiver.control(fail_rate=0.3, fail_status=[429]),
    ),
    Row(
        "401 for 5 s, bearer",
        lambda receiver: receiver.control(reject_auth_seconds=5),
        pauses=frozenset({"credentials"}),
        options=("--auth", "bearer", "--token", TOKEN),
        auth=_bearer,
    ),
    Row(
        "401 for 5 s, OAuth2",
        lambda receiver: receiver.control(reject_auth_seconds=5),
        pauses=frozenset({"credentials"}),
        options=("--auth", "oauth2_client_credentials", "--client-secret", SECRET),
        auth=_oauth2,
    ),
    Row(
        "credentials revoked",
        lambda receiver: receiver.control(refuse_credentials=True, revoke=True),
        lambda receiver: receiver.control(refuse_credentials=False),
        seconds=8,
        pauses=frozenset({"credentials"}),
        options=("--auth", "oauth2_client_credentials", "--client-secret", SECRET),
        auth=_oauth2,
    ),
    Row(
        "503 for 12 s",
        lambda receiver: receiver.control(status=503),
        lambda receiver: receiver.control(status=200),
        seconds=OUTAGE_SECONDS,
        dead_letters=2,
        pauses=frozenset({"failing"}),
    ),
    Row(
        "connection refused for 12 s",
        lambda receiver: receiver.control(refuse_seconds=OUTAGE_SECONDS),
        pauses=frozenset({"unreachable"}),
    ),
    Row(
        "no answer for 12 s",
        lambda receiver: receiver.control(silent=True),
        lambda receiver: receiver.control(silent=False),
        seconds=OUTAGE_SECONDS,
        dead_letters=2,
        pauses=frozenset({"failing"}),
        delivery={"timeout": 1},
    ),
]

TRANSPORTS = ("lean", "aiohttp")

_PATIENCE_SECONDS = 60

#: Every destination: one for each row and transport. Both transports of a row share a receiver and its faults.
CASES = {
    f"row-{number}-{transport}": (row, transport) for (number, row), transport in product(enumerate(ROWS), TRANSPORTS)
}


def _title(name: str) -> str:
    row, transport = CASES[name]
    return f"{row.name}, {transport}"


@dataclass(frozen=True)
class Outcome:
    """What one run of the table showed, by destination."""

    judgements: Mapping[str, Judgement]
    pauses: Mapping[str, set[str]]
    logs: Sequence[Mapping[str, Any]]


def outcome_on(folder: Path, queue: Mapping[str, Any] | None = None) -> Outcome:
    """Run all rows: events before, during and after the faults, until everything is settled."""
    with Place(folder, queue) as place:
        receivers = {row.name: place.receiver("--latency", "0.01", *row.options) for row in ROWS}
        for name, (row, transport) in CASES.items():
            receiver = receivers[row.name]
            delivery = {"retries": [0.2, 0.4], "concurrency": 32, "transport": transport, **row.delivery}
            place.destination(name, receiver.url, auth=row.auth(receiver), delivery=delivery)
        place.write()
        source = Source(PROFILES)
        place.publish(source.make(200))
        daemon = place.daemon().ready()
        for name, receiver in receivers.items():
            at_first = 200 * len(TRANSPORTS)
            eventually(f"{name}: all is well at first", lambda: receiver.delivered() >= at_first)  # noqa: B023
        pauses = _break_and_mend(place, source, daemon, receivers)
        place.publish(source.make(200))
        eventually("all is settled", lambda: daemon.alive() and place.settled(*CASES))
        letters = place.dead_letters()
        logs = daemon.logs()
        assert daemon.terminate() == 0
        received = {name: receiver.received() for name, receiver in receivers.items()}
        judgements = {name: judged(name, source.made, received[row.name], letters) for name, (row, _) in CASES.items()}
        return Outcome(judgements, pauses, logs)


def _break_and_mend(
    place: Place, source: Source, daemon: Daemon, receivers: Mapping[str, Receiver]
) -> dict[str, set[str]]:
    """Begin every fault at once and end each in its time, while events go on; the pauses that were seen.

    On a busy machine a destination may need longer than that to pause; its fault waits for it, up to a minute more.
    """
    pauses: dict[str, set[str]] = {name: set() for name in CASES}
    begun = time.monotonic()
    for row in ROWS:
        row.begin(receivers[row.name])
    waiting = list(ROWS)
    while waiting:
        if len(source.made) < 1_000:
            place.publish(source.make(20))
        for name, reasons in daemon.pauses().items():
            pauses[name] |= reasons
        over = time.monotonic() - begun
        for row in list(waiting):
            paused = all(pauses[name] >= row.pauses for name, (case, _) in CASES.items() if case is row)
            if over >= row.seconds + (0 if paused else _PATIENCE_SECONDS) or not row.seconds:
                waiting.remove(row)
                row.end(receivers[row.name])
        time.sleep(0.1)
    return pauses


class FaultTable:
    """Subclass it as ``Test…`` in a module with a fixture ``outcome``."""

    @pytest.mark.parametrize("name", CASES, ids=_title)
    def test_a_fault_costs_no_more_than_it_may(self, name: str, outcome: Outcome) -> None:
        row, _ = CASES[name]
        judgement = outcome.judgements[name]
        print(f"{_title(name)}: {judgement}; paused: {sorted(outcome.pauses[name])}")
        assert judgement.sound, str(judgement)
        assert judgement.duplicates == 0
        assert judgement.dead_lettered <= row.dead_letters
        assert outcome.pauses[name] == row.pauses

    @pytest.mark.parametrize("name", [name for name, (row, _) in CASES.items() if row.pauses], ids=_title)
    def test_a_pause_and_its_end_are_one_line_each(self, name: str, outcome: Outcome) -> None:
        lines = [line for line in outcome.logs if line.get("destination") == name]
        paused = [line for line in lines if line["event"] == "paused"]
        resumed = [line for line in lines if line["event"] == "resumed"]
        assert {line["reason"] for line in paused} == CASES[name][0].pauses
        assert len(paused) == len(resumed)
