"""Kills the daemon twenty times under load: nothing is lost, nothing overtaken, few things come twice (DESIGN §3)."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endpoints import Receiver
from events import Sent, Source
from harness import Place
from judging import judged
from processes import EXPORTER, Daemon, eventually

from exporter.receiver.oracle import Judgement
from exporter.receiver.reception import Reception

DUPLICATES_PER_KILL = 300

#: The exporter with one thing broken: it commits what it has received before it delivers it.
BROKEN = (sys.executable, str(Path(__file__).with_name("broken_daemon.py")), "run")


def _kill_under_load(daemon: Daemon, receiver: Receiver, more: int) -> tuple[int, int]:
    """Kill once ``more`` were delivered since now and requests are in flight; both numbers, as seen just before."""
    before = receiver.delivered()

    def loaded() -> tuple[int, int] | None:
        daemon.alive()
        new = receiver.delivered() - before
        if new < more:
            return None
        in_flight = int(daemon.metric("exporter_in_flight", "crm"))
        return (new, in_flight) if in_flight else None

    counts = eventually(f"{more} new deliveries and some in flight", loaded)
    daemon.kill()
    return counts


@dataclass(frozen=True)
class Load:
    """How much, how often killed, and which faults the receiver plays."""

    events: int
    profiles: int
    kills: int
    faults: Sequence[str] = ("--fail-rate", "0.1", "--latency", "0.02")
    argv: Sequence[str] = (*EXPORTER, "run")


@dataclass(frozen=True)
class Result:
    """What the loop came to."""

    judgement: Judgement
    sent: Sequence[Sent]
    received: Sequence[Reception]
    letters: Sequence[Mapping[str, Any]]


def _run(place: Place, load: Load) -> Result:
    """The loop: a third of the events is there at the start, the others come while the daemon runs and dies."""
    chance = random.Random(3)  # when to kill
    receiver = place.receiver(*load.faults)
    place.destination("crm", receiver.url, delivery={"retries": [0.05, 0.1], "rate": 2500, "pause_after_rejections": 0})
    place.write()
    source = Source(load.profiles)
    place.publish(source.make(load.events // 3))
    share = (load.events - load.events // 3) // load.kills
    for number in range(1, load.kills + 1):
        daemon = place.daemon(argv=load.argv).ready()
        place.publish(source.make(share))
        new, in_flight = _kill_under_load(daemon, receiver, chance.randint(1, share // 2))
        print(f"kill {number}: after {new} new deliveries, with {in_flight} in flight")
        assert new > 0
        assert in_flight > 0
    place.publish(source.make(load.events - len(source.made)))
    daemon = place.daemon(argv=load.argv).ready()
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    assert daemon.terminate() == 0
    received, letters = receiver.received(), place.dead_letters()
    judgement = judged("crm", source.made, received, letters)
    print(judgement)
    return Result(judgement, source.made, received, letters)


def test_twenty_kills_lose_nothing_and_keep_the_order(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        judgement = _run(place, Load(events=20_000, profiles=500, kills=20)).judgement
        assert judgement.sound, str(judgement)
        assert judgement.delivered + judgement.dead_lettered >= 20_000
        # Under an equal key, or the oracle would have called them rekeyed.
        assert judgement.duplicates + judgement.after_no_answer <= DUPLICATES_PER_KILL * 20


def test_the_loop_sees_a_commit_before_the_delivery(tmp_path: Path) -> None:
    """The same loop, shorter, with ``broken_daemon.py``: a kill takes what was in memory, and the oracle sees it."""
    with Place(tmp_path) as place:
        assert _run(place, Load(events=3_000, profiles=500, kills=3, argv=BROKEN)).judgement.lost


def test_dead_letters_are_exact_after_kills(tmp_path: Path) -> None:
    """With many rejections: one letter for each event, and marked are those whose profile moved on."""
    faults = ("--fail-rate", "0.3", "--fail-status", "422", "--fail-status", "503", "--latency", "0.02")
    with Place(tmp_path) as place:
        result = _run(place, Load(events=4_000, profiles=200, kills=6, faults=faults))
        assert result.judgement.sound, str(result.judgement)
        dead = {letter["event"]: letter["superseded"] for letter in result.letters}
        assert len(dead) == len(result.letters) > 100
        newest, repeated = _states(result)
        # This receiver may reject what it took before a kill, so what came twice proves nothing about its profile.
        proven = [event for event in result.sent if event.id in dead and event.profile not in repeated]
        moved_on = [event for event in proven if event.state < newest.get(event.profile, -1)]
        assert 0 < len(moved_on) < len(proven)
        assert [event for event in proven if dead[event.id]] == moved_on


def _states(result: Result) -> tuple[dict[str, int], set[str]]:
    """Each profile's newest delivered state, and the profiles of which something came again after it was taken."""
    by_id = {event.id: event for event in result.sent}
    newest: dict[str, int] = {}
    repeated: set[str] = set()
    taken: set[str] = set()
    for each in result.received:
        event = by_id[str(each.idempotency_key).partition(":")[2]]
        if event.id in taken:
            repeated.add(event.profile)
        if each.status == 200:
            taken.add(event.id)
        if each.accepted:
            newest[event.profile] = max(event.state, newest.get(event.profile, -1))
    return newest, repeated
