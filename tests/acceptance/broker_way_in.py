"""What the way in owes on a broker, whatever its kind: intake and queue stand there, and nothing is told twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from backfills import gone_on, killed_within
from brokers import Broker
from harness import Place
from serving import way_in

PROFILES = 40


def a_backfill_is_told_once(tmp_path: Path, broker: Broker) -> None:
    """A segment that a running destination newly maps: ``serve`` is killed while its members are told."""
    with Place(tmp_path, broker.section()) as place:
        way_in(place)
        place.config["intake"] = broker.section()
        place.config["backfill"] = {"rate": 40}
        receiver, daemon = killed_within(place, PROFILES, 10)
        serving = gone_on(place, PROFILES)
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
