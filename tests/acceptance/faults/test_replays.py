"""Dead letters under a full disk, and their replay with the real command (contract.md#dead-letters)."""

from __future__ import annotations

import resource
from pathlib import Path

from events import Sent, Source
from harness import Place
from judging import judged
from processes import eventually

#: Far more than a queue's positions take, far less than the dead letters of this test.
SMALL_FILES = 1024 * 1024


def _small_files() -> None:
    """Let this process make no file larger, as on a full disk; it can be lifted from outside, and needs no root."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_FILES, resource.RLIM_INFINITY))


def test_a_full_disk_pauses_and_what_waited_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "422")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0})
        place.write()
        # What is rejected is kept with its bytes: these are more than the file may hold.
        source = Source(profiles=200)
        place.publish(event.body.ljust(20_000) for event in source.make(400))
        daemon = place.daemon(before=_small_files).ready()
        eventually("the dataflow is paused", lambda: daemon.alive() and "state" in daemon.paused("crm"))
        kept = len(place.dead_letters())
        assert 0 < kept < 400
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        eventually("the pause is over", lambda: not daemon.paused("crm"))
        letters = place.dead_letters()
        assert sorted(letter["event"] for letter in letters) == sorted(event.id for event in source.made)
        assert daemon.terminate() == 0
        # None went a second time: what has a letter is skipped, what has none waited in memory.
        keys = [str(each.idempotency_key) for each in receiver.received()]
        assert sorted(keys) == sorted(f"crm:{event.id}" for event in source.made)


def test_replay_sends_the_same_key_and_leaves_out_what_is_superseded(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "422")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0})
        place.write()
        source = Source(profiles=10)
        place.publish(source.make(20))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert {(letter["reason"], letter["status"]) for letter in place.dead_letters()} == {("rejected", 422)}
        receiver.control(status=200)
        # A newer state of one profile is delivered: the letters of that profile are old news.
        newer = Sent("newer", "p0", 2)
        place.publish([newer])
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm") and receiver.delivered() == 1)
        eventually("both are marked", lambda: sum(each["superseded"] for each in place.dead_letters()) == 2)
        letters = [each for each in place.dead_letters() if each["superseded"]]
        assert {letter["event"] for letter in letters} == {"e0", "e10"}
        done = place.command("deadletters", "replay", "--destination", "crm")
        assert done.returncode == 0, done.stderr
        eventually("what may be replayed is gone", lambda: len(place.dead_letters()) == 2)
        assert {letter["event"] for letter in place.dead_letters()} == {"e0", "e10"}
        assert daemon.terminate() == 0
        received = receiver.received()
        judgement = judged("crm", [*source.made, newer], received, letters)
        assert judgement.sound, str(judgement)
        assert (judgement.delivered, judgement.duplicates) == (19, 0)
        # Each was tried once, rejected, and once more by the replay, under the same key and position.
        positions: dict[str, set[str]] = {}
        for each in received:
            positions.setdefault(str(each.idempotency_key), set()).add(str(each.exporter_position))
        assert all(len(each) == 1 for each in positions.values())


def test_a_replay_goes_on_after_kills(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "422", "--latency", "0.01")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0, "rate": 300})
        place.write()
        source = Source(profiles=300)
        place.publish(source.make(600))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        daemon.kill()
        receiver.control(status=200)
        assert len(place.dead_letters()) == 600
        done = place.command("deadletters", "replay", "--destination", "crm")
        assert done.returncode == 0, done.stderr
        for _ in range(4):
            daemon = place.daemon().ready()
            before = receiver.delivered()
            eventually("more were replayed", lambda: receiver.delivered() > before + 20)  # noqa: B023
            daemon.kill()
        assert place.dead_letters(), "the last kill came after the replay"
        daemon = place.daemon().ready()
        eventually("no letter is left", lambda: daemon.alive() and not place.dead_letters())
        assert daemon.terminate() == 0
        judgement = judged("crm", source.made, receiver.received())
        assert judgement.sound, str(judgement)
        assert judgement.delivered == 600
