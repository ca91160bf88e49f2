"""State on Redis with the real command: dead letters once, whatever is killed; replays by command; several daemons."""

from __future__ import annotations

import itertools
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brokers
import pytest
from events import Sent, Source
from harness import Place
from judging import judged
from processes import Daemon, eventually, fetch
from redis_server import RedisServer, needs_redis, running

pytestmark = needs_redis

#: Written before a write is confirmed.
SAFE = ("--appendonly", "yes", "--appendfsync", "always")
_PREFIXES = itertools.count(1)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("redis"), *SAFE) as server:
        yield server


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.KafkaBroker]:
    with brokers.running("kafka", tmp_path_factory.mktemp("broker")) as broker:
        assert isinstance(broker, brokers.KafkaBroker)
        yield broker


@pytest.fixture
def state(redis: RedisServer) -> dict[str, Any]:
    """A section ``state`` that nobody used before."""
    return {"kind": "redis", "url": redis.url, "key_prefix": f"exporter-{next(_PREFIXES)}:"}


def count(redis: RedisServer, state: dict[str, Any]) -> int:
    """How many dead letters there are, asked in a moment."""
    return int(redis.cli("HGET", f"{state['key_prefix']}totals", "crm:letters") or 0)


def each_once(place: Place, source: Source) -> list[dict[str, Any]]:
    """The dead letters, of which there is one for each event."""
    letters = place.dead_letters()
    assert Counter(letter["event"] for letter in letters) == Counter(event.id for event in source.made)
    return letters


def test_dead_letters_are_kept_once_through_kills_and_replayed(
    tmp_path: Path, redis: RedisServer, state: dict[str, Any]
) -> None:
    chance = random.Random(7)
    with Place(tmp_path) as place:
        place.config["state"] = state
        receiver = place.receiver("--status", "422", "--latency", "0.01")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0, "rate": 400})
        place.write()
        assert place.command("check", "--connect").returncode == 0
        source = Source(profiles=150)
        place.publish(source.make(3_000))
        daemon = place.daemon().ready()
        for _ in range(5):
            more = count(redis, state) + chance.randint(50, 300)
            eventually("more dead letters", lambda: count(redis, state) > more)  # noqa: B023
            daemon.kill()
            daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        letters = each_once(place, source)
        assert {(letter["reason"], letter["status"], letter["superseded"]) for letter in letters} == {
            ("rejected", 422, False)
        }
        [status] = place.lines("status", "--json", "--url", f"http://127.0.0.1:{daemon.port}")
        assert status["dead_letters"] == 3_000

        receiver.control(status=200)
        shown = place.lines("deadletters", "show", str(letters[0]["id"]), "--json")[0]
        assert shown["body"]["profileId"] == letters[0]["profileId"]
        assert place.lines("deadletters", "purge", str(letters[0]["id"]), "--yes", "--json") == [{"purged": 1}]
        newer = Sent("newer", letters[1]["profileId"], 1_000)
        place.publish([newer])
        eventually("its letters are marked", lambda: sum(each["superseded"] for each in place.dead_letters()) >= 19)
        asked = place.lines("deadletters", "replay", "--destination", "crm", "--json")[0]
        assert (asked["asked"], asked["leftOut"]) in {(2_979, 20), (2_980, 19)}
        daemon.kill()
        daemon = place.daemon().ready()
        eventually("what may be replayed is gone", lambda: count(redis, state) == asked["leftOut"])
        left = place.dead_letters()
        assert len(left) == asked["leftOut"]
        assert all(each["superseded"] and each["profileId"] == newer.profile for each in left)
        assert daemon.terminate() == 0
        # What was purged has been a dead letter.
        judgement = judged("crm", [*source.made, newer], receiver.received(), [*left, letters[0]])
        assert judgement.sound, str(judgement)


def test_it_waits_for_a_redis_that_is_away_and_says_why(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis", *SAFE)
    with Place(tmp_path) as place:
        place.config["state"] = {"kind": "redis", "url": server.url}
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        checked = place.command("check", "--connect")
        assert checked.returncode == 1
        assert f"state: 127.0.0.1:{server.port} cannot be reached: connection refused" in checked.stdout
        listed = place.command("deadletters", "list")
        assert (listed.returncode, "connection refused" in listed.stderr) == (1, True)
        daemon = place.daemon()
        eventually("it waits", lambda: daemon.alive() and daemon.logs("waiting"))
        daemon.port = daemon.logs("ops")[-1]["port"]
        status, body = fetch(f"http://127.0.0.1:{daemon.port}/ready")
        assert (status, b"state cannot be reached" in body) == (503, True)
        try:
            server.start()
            daemon.ready()
            source = Source(20)
            place.publish(source.make(100))
            eventually("all is delivered", lambda: receiver.delivered() == 100)
            # Idle, and noticed all the same.
            server.kill()
            eventually("it says so", lambda: daemon.alive() and "state" in daemon.paused("crm"))
            assert fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 503
            place.publish(source.make(100))
            server.start()
            eventually("it goes on", lambda: daemon.alive() and receiver.delivered() == 200)
            assert daemon.paused("crm") == set()
            assert fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 200
            assert daemon.terminate() == 0
        finally:
            server.kill()
        judgement = judged("crm", source.made, receiver.received())
        assert (judgement.sound, judgement.duplicates) == (True, 0), str(judgement)


def test_redis_killed_under_load_loses_and_overtakes_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "redis", *SAFE) as server, Place(tmp_path) as place:
        place.config["state"] = {"kind": "redis", "url": server.url}
        receiver = place.receiver("--fail-rate", "0.3", "--fail-status", "422", "--latency", "0.01")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0, "rate": 500})
        place.write()
        source = Source(profiles=100)
        place.publish(source.make(4_000))
        daemon = place.daemon().ready()
        for _ in range(4):
            before = receiver.delivered()
            eventually("it delivers", lambda: receiver.delivered() > before + 200)  # noqa: B023
            server.kill()
            eventually("the dataflow is paused", lambda: daemon.alive() and "state" in daemon.paused("crm"))
            server.start()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        letters = place.dead_letters()
        assert daemon.terminate() == 0
        judgement = judged("crm", source.made, receiver.received(), letters)
        assert judgement.sound, str(judgement)
        assert (judgement.duplicates, judgement.both) == (0, ())


def test_changes_of_the_state_need_a_restart(tmp_path: Path, state: dict[str, Any]) -> None:
    with Place(tmp_path) as place:
        place.config["state"] = state
        place.destination("crm", place.receiver().url)
        place.write()
        daemon = place.daemon().ready()
        place.config["state"] = {**state, "key_prefix": "other:"}
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("it is refused", lambda: daemon.alive() and daemon.logs("reload refused"))
        assert daemon.logs("reload refused")[-1]["keys"] == ["state"]


def replicas(place: Place, *names: str) -> list[Daemon]:
    return [place.daemon(name, own={}).ready() for name in names]


def test_replicas_keep_letters_once_and_replay_each_once(
    tmp_path: Path, redis: RedisServer, state: dict[str, Any], kafka: brokers.KafkaBroker
) -> None:
    """Lanes move while letters are made, and again while they are replayed."""
    with Place(tmp_path, kafka.partitioned(12)) as place:
        place.config["state"] = state
        receiver = place.receiver("--status", "422", "--latency", "0.02")
        place.destination(
            "crm", receiver.url, include_segment_timestamps=True, delivery={"pause_after_rejections": 0, "rate": 300}
        )
        place.write()
        source = Source(profiles=120)
        first, second = replicas(place, "first", "second")
        place.publish(source.make(2_400))
        eventually(
            "both make some",
            lambda: all(each.metric("exporter_exports_total", "crm", "dead_lettered") > 50 for each in (first, second)),
        )
        first.kill()
        [third] = replicas(place, "third")
        eventually("all is settled", lambda: second.alive() and third.alive() and place.settled("crm"))
        each_once(place, source)

        receiver.control(status=200)
        asked = place.lines("deadletters", "replay", "--all", "--json")[0]
        assert asked["asked"] == 2_400
        eventually("some are replayed", lambda: receiver.delivered() > 200)
        [fourth] = replicas(place, "fourth")
        eventually("some more", lambda: receiver.delivered() > 600)
        assert second.terminate() == 0
        eventually("no letter is left", lambda: third.alive() and fourth.alive() and not count(redis, state))
        assert place.dead_letters() == []
        assert all(each.metric("exporter_exports_total", "crm", "delivered") > 0 for each in (third, fourth))
        received = receiver.received()
        replayed = Counter(str(each.idempotency_key) for each in received if each.status == 200)
        assert replayed == Counter(f"crm:{event.id}" for event in source.made), "each once, by whoever has its lane"
        judgement = judged("crm", source.made, received)
        assert judgement.sound, str(judgement)


def test_a_letter_made_by_one_replica_is_superseded_by_the_next(
    tmp_path: Path, state: dict[str, Any], kafka: brokers.KafkaBroker
) -> None:
    """Its replay would overtake the newer state that another replica has delivered since."""
    with Place(tmp_path, kafka.partitioned(4)) as place:
        place.config["state"] = state
        receiver = place.receiver("--status", "422")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0})
        place.write()
        source = Source(profiles=40)
        first, second = replicas(place, "first", "second")
        place.publish(source.make(40))
        eventually("all is settled", lambda: place.settled("crm"))
        each_once(place, source)
        first.kill()
        receiver.control(status=200)
        newer = [Sent(f"newer-{event.id}", event.profile, event.state + 1) for event in source.made]
        place.publish(newer)
        eventually("all is settled", lambda: second.alive() and place.settled("crm"))
        eventually("every letter is marked", lambda: all(each["superseded"] for each in place.dead_letters()))
        asked = place.lines("deadletters", "replay", "--all", "--json")[0]
        assert (asked["asked"], asked["leftOut"]) == (0, 40)
        judgement = judged("crm", [*source.made, *newer], receiver.received(), place.dead_letters())
        assert judgement.sound, str(judgement)


def test_a_replica_that_stood_still_stores_no_letter_of_what_another_delivered_since(
    tmp_path: Path, state: dict[str, Any], kafka: brokers.KafkaBroker
) -> None:
    """Its replay would send an old state again, and nothing would mark it."""
    with Place(tmp_path, kafka.partitioned(4)) as place:
        place.config["state"] = state
        receiver = place.receiver("--status", "422", "--latency", "1.5")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0, "timeout": 60})
        place.write()
        [late] = replicas(place, "late")
        source = Source(profiles=60)
        place.publish(source.make(60))
        eventually("requests are on their way", lambda: receiver.counters()["in_flight"] >= 5)
        late.send(signal.SIGSTOP)
        eventually("they are answered", lambda: receiver.counters()["in_flight"] == 0)
        receiver.control(status=200)
        newer = [Sent(f"newer-{event.id}", event.profile, event.state + 1) for event in source.made]
        place.publish(newer)
        [new] = replicas(place, "new")
        eventually("another has delivered all", lambda: new.alive() and place.settled("crm"))
        before = place.dead_letters()
        late.send(signal.SIGCONT)
        eventually("it hears of it", lambda: late.alive() and late.logs("lane lost"))
        eventually("it goes on", lambda: not late.paused("crm"))
        assert late.terminate() == 0
        assert new.terminate() == 0
        letters = place.dead_letters()
        assert letters == before
        assert [each for each in letters if not each["superseded"]] == []
        judgement = judged("crm", [*source.made, *newer], receiver.received(), letters)
        assert judgement.sound, str(judgement)
