"""What the way in owes on a broker, whatever its kind: intake and queue stand there, and nothing is told twice."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

from brokers import Broker
from harness import Place
from processes import eventually
from serving import ATTRIBUTES, backfilled, connected, in_segment, post, serve, settled, way_in

PROFILES = 40


def a_backfill_is_told_once(tmp_path: Path, broker: Broker) -> None:
    """A segment that a running destination newly maps: ``serve`` is killed while its members are told."""
    with Place(tmp_path, broker.section()) as place:
        way_in(place)
        place.config["intake"] = broker.section()
        place.config["backfill"] = {"rate": 40}
        receiver = place.receiver()
        destination = place.destination("crm", receiver.url, segments=["early"], attributes=ATTRIBUTES)
        place.write()
        serving, daemon = serve(place).ready(), place.daemon().ready()
        with connected(place) as connection:
            for number in range(PROFILES):
                assert post(connection, in_segment(number, 1, "late"))[0] == 200
        settled(place, serving, "crm")
        assert receiver.delivered() == 0

        destination["segments"] = ["early", "late"]
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("some are told", lambda: serving.alive() and receiver.delivered() >= 10)
        serving.kill()
        serving = serve(place).ready()
        with connected(place) as connection:
            for number in range(0, PROFILES, 10):
                assert post(connection, in_segment(number, 2, "late"))[0] == 200
        eventually("the backfill is through", lambda: serving.alive() and backfilled(serving, PROFILES))
        settled(place, serving, "crm")
        assert serving.terminate() == 0
        assert daemon.terminate() == 0
        told: Counter[str] = Counter()
        states: dict[str, list[int]] = {}
        for each in receiver.received():
            told[each.idempotency_key or ""] += 1
            acme = json.loads(each.body)["_acme"]
            states.setdefault(acme["profile"], []).append(acme["state"])
        backfills = {key: times for key, times in told.items() if "backfill:" in key}
        assert set(backfills.values()) == {1}
        assert len(backfills) == PROFILES
        assert len(states) == PROFILES
        assert all(of_one == sorted(of_one) for of_one in states.values())
        assert all(of_one[-1] == (2 if int(name[1:]) % 10 == 0 else 1) for name, of_one in states.items())
