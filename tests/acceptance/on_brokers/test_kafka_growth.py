"""Several daemons on one Kafka topic: one is added, one killed, one stopped, all under load with failing endpoints."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import brokers
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from endpoints import Receiver
from events import Source
from harness import Place
from judging import judged
from processes import PATIENCE_SECONDS, Daemon, eventually

from exporter.receiver.reception import Reception

PARTITIONS = 12
PROFILES = 240
#: As brokers have it unless they are told otherwise: group.min.session.timeout.ms.
SESSION_SECONDS = 6
#: Longer than the session, and than the ten seconds in which a member must join when lanes are shared anew.
DEAD_SECONDS = 12
#: What a process may grow by while nothing happens to it.
FLAT_BYTES = 10 * 1024**2
#: Takes its time, so that much is in flight when a partition is to change hands, and answers 503 to some.
FAILING = "failing"
#: Says nothing at all for a second, again and again: time-outs, retries, a pause now and then.
SILENT = "silent"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.KafkaBroker]:
    with brokers.running("kafka", tmp_path_factory.mktemp("broker")) as broker:
        assert isinstance(broker, brokers.KafkaBroker)
        yield broker


class Feed:
    """Puts events on the topic until it is ended, of all profiles in turn, so that every partition has some."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._failure: Exception | None = None
        self.source = Source(PROFILES)

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                self._place.publish(self.source.make(PROFILES))
                self._end.wait(0.5)
        except Exception as error:
            self._failure = error

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Return when all that was made is on the topic. Raises what went wrong."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_SECONDS)
        if self._failure is not None:
            raise self._failure


@contextmanager
def silences(receiver: Receiver) -> Iterator[None]:
    """An endpoint that falls silent for a second in every four."""
    end = threading.Event()

    def change() -> None:
        while not end.wait(3.0):
            receiver.control(silent=True)
            end.wait(1.0)
            receiver.control(silent=False)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(PATIENCE_SECONDS)


@dataclass
class Cluster:
    """Daemons on one place, each with a state of its own; two destinations that fail in their own ways."""

    place: Place
    receivers: Mapping[str, Receiver]
    daemons: list[Daemon] = field(default_factory=list)
    changes: list[tuple[str, float]] = field(default_factory=list)

    @classmethod
    def on(cls, place: Place) -> Cluster:
        receivers = {
            FAILING: place.receiver("--fail-rate", "0.1", "--latency", "0.2", name=FAILING),
            SILENT: place.receiver("--latency", "0.02", name=SILENT),
        }
        retries = {"retries": [0.3, 0.6], "rate": 2000}
        place.destination(FAILING, receivers[FAILING].url, delivery=retries)
        place.destination(SILENT, receivers[SILENT].url, delivery={"timeout": 0.5, **retries})
        place.write()
        return cls(place, receivers)

    def add(self, name: str) -> Daemon:
        """One more, once it is ready."""
        self.changes.append((f"{name} added", time.time()))
        daemon = self.place.daemon(name, own={"state": self.place.state(name)}).ready()
        self.daemons.append(daemon)
        return daemon

    def noted(self, what: str) -> None:
        self.changes.append((what, time.time()))

    def shared(self, *lanes: int) -> None:
        """Return when the members of each group have so many partitions each, and nobody is about to change that."""
        for name in self.receivers:
            eventually(f"{name}: {lanes}", partial(self._has_shares, name, sorted(lanes)))

    def _has_shares(self, destination: str, lanes: list[int]) -> bool:
        address = self.place.config["queue"]["bootstrap_servers"]
        return asyncio.run(shares(address, f"exporter.{destination}")) == lanes

    def both_deliver(self, *daemons: Daemon, more: int = 200) -> None:
        """Return when each of these has delivered so many more to each destination."""
        before = {(daemon.name, name): delivered(daemon, name) for daemon in daemons for name in self.receivers}

        def enough() -> bool:
            return all(
                daemon.alive() and delivered(daemon, name) >= before[daemon.name, name] + more
                for daemon in daemons
                for name in self.receivers
            )

        eventually(f"{', '.join(daemon.name for daemon in daemons)} deliver", enough)


async def shares(address: str, group: str) -> list[int] | None:
    """How many partitions each member has; None while they are being shared anew."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    [(_, _, state, _, _, members, *_)] = answer.groups
    given = [ConsumerProtocolMemberAssignment.decode(assignment) for *_, assignment in members if assignment]
    return sorted(len(each.partitions()) for each in given) if state == "Stable" else None


def delivered(daemon: Daemon, destination: str) -> float:
    return daemon.metric("exporter_exports_total", destination, "delivered")


def test_daemons_that_come_and_go_share_the_partitions_and_lose_and_overtake_nothing(
    tmp_path: Path, kafka: brokers.KafkaBroker
) -> None:
    section = kafka.partitioned(PARTITIONS, session_timeout=SESSION_SECONDS)
    with Place(tmp_path, section) as place:
        cluster = Cluster.on(place)
        feed = Feed(place)
        with silences(cluster.receivers[SILENT]):
            try:
                first, second = cluster.add("first"), cluster.add("second")
                cluster.shared(6, 6)
                feed.start()
                cluster.both_deliver(first, second)
                third = cluster.add("third")
                cluster.shared(4, 4, 4)
                cluster.both_deliver(first, second, third)
                cluster.noted("first killed")
                first.kill()
                cluster.shared(6, 6)
                cluster.both_deliver(second, third, more=1_000)
                cluster.noted("second stopped")
                assert second.terminate() == 0
                cluster.shared(12)
                cluster.both_deliver(third, more=1_000)
                fourth = cluster.add("fourth")
                cluster.shared(6, 6)
                cluster.both_deliver(third, fourth, more=500)
            finally:
                feed.end()
        eventually("all is settled", lambda: third.alive() and fourth.alive() and place.settled(*cluster.receivers))
        assert [daemon.terminate() for daemon in (third, fourth)] == [0, 0]
        received = {name: receiver.received() for name, receiver in cluster.receivers.items()}
        letters = place.dead_letters(*cluster.daemons)
        for name in cluster.receivers:
            judgement = judged(name, feed.source.made, received[name], letters)
            print(f"{name}: {judgement}")
            assert judgement.sound, str(judgement)
        print_gaps(cluster.changes, received[FAILING])


def test_a_destination_that_is_dead_for_long_keeps_its_partitions_and_goes_on_by_itself(
    tmp_path: Path, kafka: brokers.KafkaBroker
) -> None:
    """Longer than any of the times after which Kafka gives a silent member up; then another member comes, too."""
    section = kafka.partitioned(PARTITIONS, session_timeout=2)
    with Place(tmp_path, section) as place:
        receiver = place.receiver()
        place.destination(FAILING, receiver.url, delivery={"window": {"events": 500}})
        place.write()
        cluster = Cluster(place, {FAILING: receiver})
        source = Source(PROFILES)
        place.publish(source.make(PROFILES))
        first, second = cluster.add("first"), cluster.add("second")
        cluster.shared(6, 6)
        eventually("all is delivered", lambda: receiver.delivered() >= PROFILES)
        before = receiver.received()
        place.publish(source.make(5_000))  # more than both windows hold
        for daemon in (first, second):
            eventually("it is paused", partial(unreachable, daemon))
        eventually("full windows", lambda: held(first) == held(second) == 500)
        began, used = (lost(first), lost(second)), (resident(first), resident(second))
        for _ in range(DEAD_SECONDS):
            place.publish(source.make(10))
            time.sleep(1.0)
            assert unreachable(first)
            assert unreachable(second)
        assert (lost(first), lost(second)) == began
        cluster.shared(6, 6)
        print(f"resident: {used} bytes at the beginning of the pause, {(resident(first), resident(second))} at its end")
        assert max(resident(first) - used[0], resident(second) - used[1]) < FLAT_BYTES
        third = cluster.add("third")
        cluster.shared(4, 4, 4)
        again = place.receiver("--port", str(receiver.port))
        eventually("all is delivered", lambda: third.alive() and again.delivered() >= len(source.made) - PROFILES)
        eventually("all is settled", lambda: place.settled(FAILING))
        assert [daemon.terminate() for daemon in (first, second, third)] == [0, 0, 0]
        judgement = judged(FAILING, source.made, [*before, *again.received()])
        assert judgement.sound, str(judgement)
        assert judgement.duplicates == 0


def resident(daemon: Daemon) -> int:
    """Bytes of memory that it uses now."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def unreachable(daemon: Daemon) -> bool:
    return daemon.alive() and daemon.paused(FAILING) == {"unreachable"}


def held(daemon: Daemon) -> int:
    return int(daemon.metric("exporter_window_events", FAILING))


def lost(daemon: Daemon) -> int:
    return len(daemon.logs("lane lost"))


def print_gaps(changes: Sequence[tuple[str, float]], received: Sequence[Reception]) -> None:
    """For each change of members: the longest that each partition went without a delivery in the seconds after it."""
    by_lane: dict[str, list[float]] = {}
    for reception in sorted(received, key=lambda each: each.at):
        if reception.accepted:
            lane = str(reception.exporter_position).partition("-")[0]
            by_lane.setdefault(lane, []).append(reception.at)
    ends = [*(at for _, at in changes[1:]), float("inf")]
    for (what, at), end in zip(changes, ends, strict=True):
        gaps = sorted(
            max(
                (
                    min(later, end) - max(earlier, at)
                    for earlier, later in pairwise(times)
                    if later > at and earlier < end
                ),
                default=0.0,
            )
            for times in by_lane.values()
        )
        print(f"{what}: partitions stood still for {gaps[0]:.2f} to {gaps[-1]:.2f} s, {median(gaps):.2f} in the middle")
