"""Kills the daemon twenty times under load: nothing is lost, nothing overtaken, few things come twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled_build import TRANSPORTS
from harness import Place
from kill_loop import DUPLICATES_PER_KILL, Load, Result, run
from processes import EXPORTER, WARM

#: The exporter with one thing broken: it commits what it has received before it delivers it.
BROKEN = (WARM, str(Path(__file__).with_name("broken_daemon.py")), "run")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_twenty_kills_lose_nothing_and_keep_the_order(tmp_path: Path, transport: str) -> None:
    """With the one transport it is the command that is started anew, with the other what a warm process became."""
    argv = (*EXPORTER, "run") if transport == TRANSPORTS[0] else (WARM, "run")
    load = Load(events=12_000, profiles=500, ends=20, transports=[transport], argv=argv)
    with Place(tmp_path) as place:
        [result] = run(place, load)
        judgement = result.judgement
        assert judgement.sound, str(judgement)
        assert judgement.delivered + judgement.dead_lettered >= load.events
        # Under an equal key, or the oracle would have called them rekeyed.
        assert judgement.duplicates + judgement.after_no_answer <= DUPLICATES_PER_KILL * load.ends


def test_the_loop_sees_a_commit_before_the_delivery(tmp_path: Path) -> None:
    """The same loop, shorter, with ``broken_daemon.py``: a kill takes what was in memory, and the oracle sees it."""
    with Place(tmp_path) as place:
        [result] = run(place, Load(events=3_000, profiles=500, ends=3, argv=BROKEN))
        assert result.judgement.lost


def test_dead_letters_are_exact_after_kills(tmp_path: Path) -> None:
    """With many rejections: one letter for each event, and marked are those whose profile moved on."""
    faults = ("--fail-rate", "0.3", "--fail-status", "422", "--fail-status", "503", "--latency", "0.02")
    with Place(tmp_path) as place:
        [result] = run(place, Load(events=4_000, profiles=200, ends=6, faults=faults))
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
