"""Kills the way in, and the exporter beside it, under load: nothing that was answered is lost, nothing told twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import apsw
from harness import Place
from serving import ATTRIBUTES, Sender, serve, settled, way_in

SERVE_KILLS = 30
RUN_KILLS = 10
SENDERS = 4
PROFILES = 10
STATES = 400


def told(place: Place) -> list[str]:
    """The ids of all events that ever stood on the journal, which keeps what every group has passed."""
    import json

    with closing(apsw.Connection(place.config["queue"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return [json.loads(body)["id"] for (body,) in connection.execute("SELECT body FROM events ORDER BY position")]


def test_what_was_answered_is_told_once_and_in_order_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(7)
    with Place(tmp_path) as place:
        way_in(place)
        place.config["queue"]["retain"] = "1h"
        receiver = place.receiver()
        place.destination("crm", receiver.url, attributes=ATTRIBUTES, require_membership=False)
        place.write()
        serving, daemon = serve(place).ready(), place.daemon().ready()
        senders = [
            Sender(place, [f"p-{number}-{each}" for each in range(PROFILES // 4)], STATES) for number in range(4)
        ]
        for sender in senders:
            sender.start()
        kills = ["serve"] * SERVE_KILLS + ["run"] * RUN_KILLS
        chance.shuffle(kills)
        for kill in kills:
            time.sleep(chance.uniform(0.05, 0.6))
            if kill == "serve":
                serving.kill()
                serving = serve(place).ready()
            else:
                daemon.kill()
                daemon = place.daemon().ready()
        for sender in senders:
            sender.stopped.set()
            sender.join()
        settled(place, serving, "crm")
        assert serving.terminate() == 0
        assert daemon.terminate() == 0
        answered = {name: state for sender in senders for name, state in sender.answered.items()}
        events = Counter(told(place))
        received = receiver.received()

    assert len(answered) > 1_000
    assert not answered.keys() - events.keys()
    assert {name: count for name, count in events.items() if count > 1} == {}
    assert {each.idempotency_key for each in received} == {f"crm:{name}" for name in events}
    applied: dict[str, tuple[int, int]] = {}
    for each in received:
        lane, _, position = str(each.exporter_position).rpartition("-")
        assert lane == "0"
        body = json.loads(each.body)["_acme"]
        newest, state = applied.get(body["profile"], (0, 0))
        if int(position) > newest:
            assert body["state"] >= state
            applied[body["profile"]] = (int(position), body["state"])
        else:  # a repeated delivery, which tells by its position that it is no news
            assert body["state"] <= state
