"""SIGHUP and changed secret files: what a new configuration touches, and what it leaves alone."""

from __future__ import annotations

import signal
from pathlib import Path

from events import Source
from harness import Place, SecretFile
from judging import judged
from processes import Daemon, eventually


def _hang_up(daemon: Daemon, outcome: str) -> None:
    """SIGHUP, and wait for the line that says how it went."""
    before = len(daemon.logs(outcome))
    daemon.send(signal.SIGHUP)
    eventually(f"it says {outcome}", lambda: daemon.alive() and len(daemon.logs(outcome)) > before)


def test_an_unchanged_dataflow_keeps_connections_and_token_and_a_changed_one_goes_on(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        same = place.receiver("--auth", "oauth2_client_credentials", "--latency", "0.02", name="same")
        other = place.receiver("--latency", "0.02", name="other")
        auth = {
            "kind": "oauth2_client_credentials",
            "token_url": same.token_url,
            "client_id": "demo",
            "client_secret": "demo-secret",
        }
        # One connection that is never idle for long, so that a new one would show.
        place.destination("same", same.url, auth=auth, delivery={"concurrency": 1, "rate": 40})
        changed = place.destination("other", other.url, delivery={"rate": 40})
        place.write()
        source = Source(profiles=20)
        place.publish(source.make(300))
        daemon = place.daemon().ready()
        eventually("both deliver", lambda: same.delivered() >= 20 and other.delivered() >= 20)
        connections = same.counters()["connections"]
        changed["headers"] = {"x-team": "growth"}
        place.write()
        _hang_up(daemon, "reloaded")
        reached = same.delivered()
        eventually("the unchanged one goes on", lambda: same.delivered() >= reached + 20)
        eventually("all is settled", lambda: daemon.alive() and place.settled("same", "other"))
        counters = same.counters()
        assert (counters["connections"], counters["tokens_issued"]) == (connections, 1)
        assert daemon.terminate() == 0
        received = other.received()
        teams = [each.headers.get("x-team") for each in received]
        assert teams[0] is None
        assert teams[-1] == "growth"
        for judgement in (judged("same", source.made, same.received()), judged("other", source.made, received)):
            assert judgement.sound, str(judgement)
            assert (judgement.delivered, judgement.duplicates) == (300, 0)


def test_ten_reloads_under_load_lose_overtake_and_repeat_nothing(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--latency", "0.05", "--fail-rate", "0.1")
        destination = place.destination("crm", receiver.url, delivery={"rate": 1000})
        place.write()
        source = Source(profiles=100)
        place.publish(source.make(4_000))
        daemon = place.daemon().ready()
        for number in range(10):
            before = receiver.delivered()
            eventually("100 more were delivered", lambda: receiver.delivered() >= before + 100)  # noqa: B023
            destination["headers"] = {"x-reload": str(number)}
            place.write()
            _hang_up(daemon, "reloaded")
        assert receiver.delivered() < 3_900, "the last reload came after the load"
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        letters = place.dead_letters()
        assert daemon.terminate() == 0
        received = receiver.received()
        assert {each.headers.get("x-reload") for each in received} == {None, *map(str, range(10))}
        judgement = judged("crm", source.made, received, letters)
        assert judgement.sound, str(judgement)
        assert (judgement.duplicates, judgement.after_no_answer) == (0, 0)


def test_a_renamed_destination_is_a_new_group_and_a_removed_one_keeps_its_position(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("stays", receiver.url)
        renamed = place.destination("before", receiver.url)
        # It never reads on, so that the queue keeps everything for a new group to begin with.
        place.destination("behind", "http://127.0.0.1:9/")
        place.write()
        source = Source(profiles=10)
        place.publish(source.make(100))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("stays", "before"))
        renamed["name"] = "after"
        place.write()
        _hang_up(daemon, "reloaded")
        eventually("the new group has read all from the earliest", lambda: daemon.alive() and place.settled("after"))
        positions = place.positions()
        assert [(each.reader, each.lag) for each in positions["before"]] == [(False, 0)]
        assert [each.reader for each in positions["after"]] == [True]
        assert daemon.terminate() == 0
        received = receiver.received()
        for name in ("stays", "before", "after"):
            judgement = judged(name, source.made, received)
            assert judgement.sound, str(judgement)
            assert (judgement.delivered, judgement.duplicates) == (100, 0)


def test_a_configuration_that_cannot_be_used_is_refused_whole(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        destination = place.destination("crm", receiver.url)
        place.write()
        daemon = place.daemon().ready()
        destination["headers"] = {"x-team": "growth"}
        destination["colour"] = "green"
        place.write()
        _hang_up(daemon, "reload refused")
        assert "colour" in daemon.log.read_text()
        del destination["colour"]
        place.config["queue"]["path"] = str(tmp_path / "other.db")
        place.write()
        _hang_up(daemon, "reload refused")
        assert "needs a restart" in daemon.log.read_text()
        place.config["queue"]["path"] = str(tmp_path / "queue.db")
        source = Source(profiles=2)
        place.publish(source.make(10))
        eventually("the old one goes on", lambda: receiver.delivered() == 10)
        assert daemon.terminate() == 0
        received = receiver.received()
        assert judged("crm", source.made, received).sound
        assert all("x-team" not in each.headers for each in received)


def test_a_changed_secret_file_is_picked_up(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--auth", "bearer", "--token", "the-second-token")
        secret = tmp_path / "token"
        secret.write_text("the-first-token\n", encoding="utf-8")
        place.destination("crm", receiver.url, auth={"kind": "bearer", "token": SecretFile(secret)})
        place.write()
        source = Source(profiles=5)
        place.publish(source.make(50))
        daemon = place.daemon().ready()
        eventually("it is paused", lambda: daemon.paused("crm") == {"credentials"})
        assert receiver.delivered() == 0
        new = tmp_path / "token.new"
        new.write_text("the-second-token\n", encoding="utf-8")
        new.replace(secret)
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.paused("crm") == set()
        assert daemon.terminate() == 0
        judgement = judged("crm", source.made, receiver.received())
        assert judgement.sound, str(judgement)
        assert (judgement.delivered, judgement.dead_lettered) == (50, 0)


def test_an_endpoint_that_hangs_keeps_no_other_from_going_on(tmp_path: Path) -> None:
    """Both changed; one drains as long as it may, the other starts again meanwhile."""
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.config["drain"] = 60
        hanging = place.destination("hanging", place.mute().url, delivery={"timeout": 300})
        healthy = place.destination("healthy", receiver.url)
        place.write()
        source = Source(profiles=10)
        place.publish(source.make(10))
        daemon = place.daemon().ready()
        eventually("one hangs", lambda: daemon.metric("exporter_in_flight", "hanging"))
        eventually("the other delivers", lambda: receiver.delivered() == 10)
        for changed in (hanging, healthy):
            changed["headers"] = {"x-new": "1"}
        place.write()
        daemon.send(signal.SIGHUP)
        place.publish(source.make(10))
        eventually("it goes on", lambda: receiver.delivered() == 20, seconds=40)
        assert not daemon.logs("reloaded"), "the hanging one has not even drained"
        daemon.send(signal.SIGTERM)
        eventually("it stops", lambda: daemon.logs("stopping"))
        daemon.send(signal.SIGTERM)
        assert daemon.wait() == 0
