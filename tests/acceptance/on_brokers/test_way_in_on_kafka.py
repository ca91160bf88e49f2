"""The way in with its queue on Kafka: brokers that are away, and a topic that is deleted, while it serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from brokers import KafkaBroker, Kind
from harness import Place
from processes import PATIENCE_SECONDS, Daemon, eventually, fetch
from serving import connected, idle, post, serve, way_in

KIND: Kind = "kafka"
PARTITIONS = 4


@pytest.fixture
def place(tmp_path: Path, broker: KafkaBroker) -> Iterator[Place]:
    with Place(tmp_path, broker.section()) as place:
        way_in(place)
        place.write()
        yield place


def test_brokers_that_are_away(place: Place, broker: KafkaBroker) -> None:
    serving = serve(place).ready()
    _take(place, 0, 5)
    eventually("all is told", lambda: serving.alive() and _told(serving, 5))
    broker.server.kill()
    try:
        _take(place, 5, 20)
        _hindered(serving, 15, "the queue has not answered")
        _hindered(serving, 15, "does Kafka run there?")
        _take(place, 20, 25)
        eventually("it waits", lambda: serving.metric("exporter_source_outbox_events") == 20)
    finally:
        broker.start()
    _told_once(place, serving, list(range(25)))


@pytest.mark.parametrize("back", ["soon", "late"])
def test_a_topic_that_is_deleted_and_made_anew(place: Place, back: str) -> None:
    """What the topic held is gone with it; what was not there yet is told to the new one."""
    section = place.config["queue"]
    serving = serve(place).ready()
    _take(place, 0, 5)
    eventually("all is told", lambda: serving.alive() and _told(serving, 5))
    asyncio.run(_changed(section, make=False))
    if back == "late":
        _take(place, 5, 20)
        _hindered(serving, 15, "the topic does not exist")
    asyncio.run(_changed(section, make=True))
    if back == "soon":
        _take(place, 5, 20)
    eventually("all is told", lambda: serving.alive() and _told(serving, 20))
    _told_once(place, serving, list(range(5, 20)))


def _take(place: Place, begin: int, end: int) -> None:
    """One profile, so that the order is told."""
    with connected(place) as connection:
        for number in range(begin, end):
            assert post(connection, {"id": "p", "n": number})[0] == 200


def _told(serving: Daemon, count: int) -> bool:
    return idle(serving) and serving.metric("exporter_source_events_total") == count


def _hindered(serving: Daemon, waiting: int, why: str) -> None:
    """It says that changes wait, and why, wherever somebody may look."""
    url = f"http://127.0.0.1:{serving.port}"
    eventually("they wait", lambda: serving.metric("exporter_source_outbox_events") == waiting)
    eventually("it is not ready", lambda: serving.alive() and why in fetch(f"{url}/ready")[1].decode())
    assert fetch(f"{url}/ready")[0] == 503
    assert any(why in reason for reason in json.loads(fetch(f"{url}/status")[1])["reasons"])

    def logged() -> bool:
        lines = [line["detail"] for line in serving.logs("waiting") if line["reason"] == "telling changes"]
        return any(why in line for line in lines)

    eventually("it is logged", logged)


def _told_once(place: Place, serving: Daemon, states: list[int]) -> None:
    """It has gone on by itself, and the topic has each state once, in order."""
    eventually("all is told", lambda: serving.alive() and idle(serving))
    assert asyncio.run(_on_topic(place.config["queue"])) == states
    if serving.logs("waiting"):
        eventually("it is logged", lambda: "telling changes" in [line["reason"] for line in serving.logs("goes on")])
    assert fetch(f"http://127.0.0.1:{serving.port}/ready")[0] == 200


async def _changed(section: dict[str, Any], *, make: bool) -> None:
    """Delete the topic, or make it once it is gone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=section["bootstrap_servers"])
    await admin.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            if not make:
                await admin.delete_topics([section["topic"]])
                return
            topic = NewTopic(section["topic"], PARTITIONS, 1)
            # Only asking again shows that the old one is gone.
            while (await admin.create_topics([topic])).topic_errors[0][1]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _on_topic(section: dict[str, Any]) -> list[int]:
    """The states that the topic tells, in the order of the only profile's partition."""
    places = [TopicPartition(section["topic"], number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=section["bootstrap_servers"], auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning()
        found: list[int] = []
        while sum([await consumer.position(each) for each in places]) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [json.loads(each.value)["profile"]["_acme"]["state"] for each in records]
        return found
    finally:
        await consumer.stop()
