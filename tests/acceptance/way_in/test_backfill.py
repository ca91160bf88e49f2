"""A segment that a running destination newly maps: all its members are told, whatever is killed on the way."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import apsw
from backfills import gone_on, killed_within
from harness import Place
from processes import fetch
from serving import settled, way_in

PROFILES = 150


def told(place: Place) -> Counter[str]:
    """How often each event of a backfill stands on the queue."""
    with closing(apsw.Connection(place.config["queue"]["path"], flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        ids = [json.loads(body)["id"] for (body,) in connection.execute("SELECT body FROM events")]
    return Counter(each for each in ids if each.startswith("backfill:"))


def test_a_newly_mapped_segment_is_told_whatever_is_killed(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.config["queue"]["retain"] = "1h"
        place.config["backfill"] = {"rate": 100}
        receiver, daemon = killed_within(place, PROFILES, 20)
        assert len(told(place)) < PROFILES
        serving = gone_on(place, PROFILES)

        assert set(told(place).values()) == {1}
        assert len(told(place)) == PROFILES
        # The same by command, of all that is mapped.
        done = place.command("backfill", "crm")
        assert (done.returncode, done.stdout) == (0, f"{PROFILES} profiles told to crm\n"), done.stderr
        assert f"backfill 3 of crm: {PROFILES} of {PROFILES} profiles" in done.stderr
        settled(place, serving, "crm")
        assert len(told(place)) == 2 * PROFILES
        status = json.loads(fetch(f"http://127.0.0.1:{serving.port}/status")[1])
        assert [(each["number"], each["done"], each["finished"]) for each in status["backfills"]] == [
            (1, 0, True),
            (2, PROFILES, True),
            (3, PROFILES, True),
        ]
        assert serving.terminate() == 0
        assert daemon.terminate() == 0
        states: dict[str, list[int]] = {}
        for each in receiver.received():
            acme = json.loads(each.body)["_acme"]
            states.setdefault(acme["profile"], []).append(acme["state"])
        assert len(states) == PROFILES
        assert all(of_one == sorted(of_one) for of_one in states.values())
        assert all(of_one[-1] == (2 if int(name[1:]) % 10 == 0 else 1) for name, of_one in states.items())
