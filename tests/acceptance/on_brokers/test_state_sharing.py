"""Replicas with states of their own: refused where what is sent depends on the state, else told of; on every queue."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import brokers
import pytest
from events import SEGMENT, Source
from harness import Place
from processes import WARM, Daemon, eventually

KINDS = ("journal", "redis", "nats", "kafka")


@pytest.fixture(scope="module", params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Broker | None]:
    if request.param == "journal":
        yield None
        return
    with brokers.running(request.param, tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def queue(broker: brokers.Broker | None) -> Mapping[str, Any] | None:
    return None if broker is None else broker.section()


def with_timestamps(place: Place, **more: Any) -> None:
    place.destination("crm", place.receiver().url, include_segment_timestamps=True, **more)
    place.write()


def said(daemon: Daemon, event: str, word: str) -> bool:
    return any(word in json.dumps(line) for line in daemon.logs(event))


def test_a_replica_with_another_state_is_refused(tmp_path: Path, queue: Mapping[str, Any] | None) -> None:
    with Place(tmp_path, queue) as place:
        with_timestamps(place)
        place.daemon("first").ready()
        second = place.daemon("second", own={"state": place.state("second")})
        assert second.wait() == 78
        [line] = second.logs("refused")
        for word in (
            "destination crm",
            "exporter.crm",
            "include_segment_timestamps",
            "kind: redis",
            "mapping_created_at",
        ):
            assert word in line["detail"]
        assert not second.logs("ready")


def test_a_standby_or_a_replica_with_the_same_state_is_welcome(tmp_path: Path, queue: Mapping[str, Any] | None) -> None:
    with Place(tmp_path, queue) as place:
        with_timestamps(place)
        first = place.daemon("first").ready()
        second = place.daemon("second")
        eventually("it runs or stands by", lambda: second.alive() and (second.logs("ready") or second.logs("standby")))
        source = Source(10)
        place.publish(source.make(20))
        eventually("all is settled", lambda: second.alive() and place.settled("crm"))
        assert second.terminate() == 0
        assert first.terminate() == 0


def test_one_that_lost_its_state_in_a_crash_comes_back(tmp_path: Path, queue: Mapping[str, Any] | None) -> None:
    """Its dead self seems to read for some seconds yet."""
    with Place(tmp_path, queue) as place:
        with_timestamps(place)
        place.daemon("first").ready().kill()
        for file in tmp_path.glob("state.db*"):
            if file.is_file():  # not the folder of locks
                file.unlink()
        assert place.daemon("again").ready().terminate() == 0


def test_without_timestamps_it_is_only_told(tmp_path: Path, queue: Mapping[str, Any] | None) -> None:
    with Place(tmp_path, queue) as place:
        place.destination("crm", place.receiver().url)
        # Said in the configuration, so it is no matter of the state.
        mapped = [{"id": SEGMENT, "mapping_created_at": 1_700_000_000_000}]
        place.destination("web", place.receiver().url, include_segment_timestamps=True, segments=mapped)
        place.write()
        place.daemon("first").ready()
        second = place.daemon("second", own={"state": place.state("second")})
        eventually("it says so", lambda: second.alive() and said(second, "state not shared", "crm"))
        assert said(second, "state not shared", "web")
        assert said(second, "state not shared", "dead letters and their replays stay")


def test_switching_timestamps_on_is_refused_beside_such_a_replica(
    tmp_path: Path, queue: Mapping[str, Any] | None
) -> None:
    with Place(tmp_path, queue) as place:
        section = place.destination("crm", place.receiver().url)
        place.write()
        first = place.daemon("first").ready()
        second = place.daemon("second", own={"state": place.state("second")})
        eventually("it runs or stands by", lambda: second.logs("ready") or second.logs("standby"))
        section["include_segment_timestamps"] = True
        place.write()
        second.config.write_text(place.file.read_text().replace("state.db", "second.db"))
        second.send(signal.SIGHUP)
        eventually(
            "it is refused", lambda: second.alive() and said(second, "reload refused", "include_segment_timestamps")
        )
        assert first.alive()


def test_workers_refuse_as_one(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        with_timestamps(place)
        place.destination("web", place.receiver().url)
        place.write()
        place.daemon("first").ready()
        workers = (WARM, "run", "--workers", "2")
        second = place.daemon("second", workers, own={"state": place.state("second")})
        assert second.wait() == 78
        assert said(second, "refused", "destination crm")


def test_workers_that_share_the_file_are_welcome(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        with_timestamps(place)
        place.destination("web", place.receiver().url, include_segment_timestamps=True)
        place.write()
        assert place.daemon("workers", (WARM, "run", "--workers", "2")).ready().terminate() == 0
