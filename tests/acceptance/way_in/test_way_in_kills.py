"""Kills the way in, and the exporter beside it, under load: nothing that was answered is lost, nothing told twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest
from harness import Place
from processes import EXPORTER, WARM, Daemon
from serving import ATTRIBUTES, Sender, settled, way_in

from exporter.receiver.reception import Reception

SENDERS = 4
PROFILES = 10
STATES = 400
SLOW = (WARM, str(Path(__file__).with_name("slow_serve.py")), "serve")


@dataclass(frozen=True)
class Outcome:
    """What was answered, by xactionId; how often each event stands on the queue; what the receiver was sent."""

    answered: Mapping[str, tuple[str, int]]
    events: Counter[str]
    received: Sequence[Reception]


def killed(place: Place, kills: Sequence[str], begin: Callable[[], Daemon]) -> Outcome:
    """Send records while ``serve`` and ``run`` are killed in the order of ``kills``; ``begin`` starts the first."""
    chance = random.Random(7)
    way_in(place)
    place.config["queue"]["retain"] = "1h"
    receiver = place.receiver()
    place.destination("crm", receiver.url, attributes=ATTRIBUTES, require_membership=False)
    place.write()
    run = (*EXPORTER, "run")
    serving, daemon = begin().ready(), place.daemon(argv=run).ready()
    names = [[f"p-{sender}-{number}" for number in range(PROFILES)] for sender in range(SENDERS)]
    senders = [Sender(place, each, STATES) for each in names]
    for sender in senders:
        sender.start()
    for kill in kills:
        time.sleep(chance.uniform(0.05, 0.6))
        if kill == "serve":
            serving.kill()
            serving = begin().ready()
        else:
            daemon.kill()
            daemon = place.daemon(argv=run).ready()
    for sender in senders:
        sender.stopped.set()
        sender.join()
    settled(place, serving, "crm")
    assert serving.terminate() == 0
    assert daemon.terminate() == 0
    answered = {name: state for sender in senders for name, state in sender.answered.items()}
    with closing(apsw.Connection(place.config["queue"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        # The journal keeps what every group has passed.
        bodies = connection.execute("SELECT body FROM events ORDER BY position")
        events = Counter(json.loads(body)["id"] for (body,) in bodies)
    return Outcome(answered, events, receiver.received())


def test_what_was_answered_is_told_once_and_in_order_whatever_is_killed(tmp_path: Path) -> None:
    """Seen to fail with the answer before the sync."""
    kills = ["serve"] * 30 + ["run"] * 10
    random.Random(7).shuffle(kills)
    with Place(tmp_path) as place:
        outcome = killed(place, kills, lambda: place.daemon("serve", argv=(*EXPORTER, "serve")))
    assert len(outcome.answered) > 1_000
    assert not outcome.answered.keys() - outcome.events.keys()
    assert {name: count for name, count in outcome.events.items() if count > 1} == {}
    assert {each.idempotency_key for each in outcome.received} == {f"crm:{name}" for name in outcome.events}
    applied: dict[str, tuple[int, int]] = {}
    for each in outcome.received:
        lane, _, position = str(each.exporter_position).rpartition("-")
        assert lane == "0"
        body = json.loads(each.body)["_acme"]
        newest, state = applied.get(body["profile"], (0, 0))
        if int(position) > newest:
            assert body["state"] >= state
            applied[body["profile"]] = (int(position), body["state"])
        else:  # a repeated delivery, which tells by its position that it is no news
            assert body["state"] <= state


@pytest.mark.parametrize("broken", [False, True], ids=["", "without numbers"])
def test_a_kill_between_telling_and_forgetting_repeats_nothing(tmp_path: Path, broken: bool) -> None:
    """Which the numbers of the outbox do: without them the same kills tell events twice."""
    with Place(tmp_path) as place:
        environ = {"BROKEN": "1"} if broken else {}
        outcome = killed(place, ["serve"] * 8, lambda: place.daemon("serve", argv=SLOW, environ=environ))
    assert not outcome.answered.keys() - outcome.events.keys()
    assert any(count > 1 for count in outcome.events.values()) == broken
