"""The daemon on a real NATS server: it waits for one that is away, and neither's death loses or overtakes anything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from endpoints import Receiver
from events import Sent, Source
from harness import Place
from judging import judged
from nats_broker import Broker
from processes import Daemon, eventually, fetch

from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.port import Outgoing, Position, Queue, QueueUnavailable

Found = TypeVar("Found")


class NatsPlace(Place):
    """A place whose queue is a stream."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        super().__init__(folder)
        self.config["queue"] = {"kind": "nats", "url": broker.url, "create": True, "lease": 2}

    async def _positions(self) -> Sequence[Position]:
        async with NatsSettings.model_validate(self.config["queue"]).open((), lambda _: None) as queue:
            return await queue.positions()

    async def _publish(self, outgoing: list[Outgoing]) -> None:
        async with NatsSettings.model_validate(self.config["queue"]).open((), lambda _: None) as queue:
            for start in range(0, len(outgoing), 500):
                await _persist(queue, outgoing[start : start + 500])


async def _persist(queue: Queue, outgoing: Sequence[Outgoing]) -> None:
    while True:
        try:
            return await queue.publish(outgoing)
        except QueueUnavailable:
            await asyncio.sleep(0.1)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


def started(broker: Broker) -> None:
    broker.start()
    asyncio.run(broker.answers())


def reachable(ask: Callable[[], Found]) -> Callable[[], Found | None]:
    """``ask``, or None while the queue is away."""

    def asked() -> Found | None:
        try:
            return ask()
        except QueueUnavailable:
            return None

    return asked


def delivered_all(place: NatsPlace, daemon: Daemon, receiver: Receiver, sent: Sequence[Sent]) -> None:
    eventually("all is settled", lambda: daemon.alive() and reachable(lambda: place.settled("crm"))())
    assert daemon.terminate() == 0
    judgement = judged("crm", sent, receiver.received(), place.dead_letters())
    assert judgement.sound, str(judgement)


def test_the_daemon_waits_for_a_server_that_is_away_and_says_why(tmp_path: Path, broker: Broker) -> None:
    with NatsPlace(tmp_path, broker) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        checked = place.command("check", "--connect")
        assert checked.returncode == 1
        assert "queue: NATS cannot be reached: connection refused" in checked.stdout + checked.stderr
        daemon = place.daemon()
        eventually("it waits", lambda: daemon.alive() and daemon.logs("waiting"))
        assert "connection refused" in daemon.logs("waiting")[-1]["detail"]
        daemon.port = daemon.logs("ops")[-1]["port"]
        status, body = fetch(f"http://127.0.0.1:{daemon.port}/ready")
        assert (status, b"queue cannot be reached" in body) == (503, True)

        started(broker)
        daemon.ready()
        source = Source(20)
        place.publish(source.make(200))
        eventually("all is delivered", lambda: receiver.delivered() == 200)
        assert fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 200

        broker.kill()
        eventually("it says so", lambda: "queue" in daemon.paused("crm"))
        assert fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 503
        started(broker)
        place.publish(source.make(200))
        eventually("it goes on", lambda: receiver.delivered() >= 400)
        assert daemon.paused("crm") == set()
        assert place.command("check", "--connect").returncode == 0
        delivered_all(place, daemon, receiver, source.made)


def test_kills_of_daemon_and_server_lose_nothing_and_keep_the_order(tmp_path: Path, broker: Broker) -> None:
    chance = random.Random(5)
    started(broker)
    with NatsPlace(tmp_path, broker) as place:
        receiver = place.receiver("--fail-rate", "0.1", "--latency", "0.02")
        options = {"retries": [0.05, 0.1], "rate": 1500, "pause_after_rejections": 0}
        place.destination("crm", receiver.url, delivery=options)
        place.write()
        source = Source(200)
        daemon = place.daemon().ready()
        for number in range(8):
            place.publish(source.make(500))
            before = receiver.delivered()
            some = chance.randint(50, 300)
            eventually("deliveries", lambda before=before, some=some: receiver.delivered() > before + some)  # type: ignore[misc]
            if number % 2:
                broker.kill()
                started(broker)
            else:
                daemon.kill()
                daemon = place.daemon().ready()
        place.publish(source.make(500))
        delivered_all(place, daemon, receiver, source.made)


def test_commands_work_on_the_stream(tmp_path: Path, broker: Broker) -> None:
    started(broker)
    with NatsPlace(tmp_path, broker) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(5)
        place.send(source.make(20))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        [line] = place.lines("positions", "list", "--json")
        assert (line["group"], line["settled_to"], line["lag"], line["reader"]) == ("exporter.crm", 20, 0, True)
        refused = place.command("positions", "seek", "crm", "earliest")
        assert (refused.returncode, "a daemon reads group exporter.crm" in refused.stderr) == (1, True)
        assert daemon.terminate() == 0
        [line] = place.lines("positions", "seek", "crm", "11", "--json")
        assert (line["settled_to"], line["lag"], line["reader"]) == (10, 10, False)
        assert place.lines("positions", "drop", "crm", "--json") == [{"dropped": "exporter.crm"}]
        assert place.lines("positions", "list", "--json") == []
