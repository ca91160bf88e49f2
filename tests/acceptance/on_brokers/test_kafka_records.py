"""What stands on a Kafka topic that is no event of ours, and a topic that is not there yet: the daemon goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from brokers import KafkaBroker, Kind
from events import Sent, Source
from harness import Place
from judging import judged
from processes import eventually

KIND: Kind = "kafka"

Headers = Sequence[tuple[str, bytes]]


async def put(section: dict[str, Any], *records: tuple[str, bytes | None, Headers]) -> None:
    """Key, value and headers, as another program's client writes them."""
    producer = AIOKafkaProducer(bootstrap_servers=section["bootstrap_servers"])
    await producer.start()
    try:
        for key, value, headers in records:
            await producer.send_and_wait(section["topic"], value, key=key.encode(), headers=list(headers))
    finally:
        await producer.stop()


def test_records_that_are_no_events_become_dead_letters_and_headers_give_ids(
    tmp_path: Path, broker: KafkaBroker
) -> None:
    section = broker.section()
    with Place(tmp_path, section) as place:
        receiver = place.receiver()
        place.config["max_event_bytes"] = 10_000
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=4)
        first, last = source.make(1), source.make(1)
        body = first[0].body
        large, nameless = body + b" " * 10_000, body.replace(b'"id": "e0", ', b"")
        place.publish(first)
        asyncio.run(
            put(
                section,
                ("p0", None, [("ce_id", b"tombstone")]),
                ("p0", large, [("ce_id", b"large")]),
                ("p0", b"\xff", []),
                ("p0", nameless, [("ce_id", b"from-header")]),
            )
        )
        place.publish(last)
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        letters = place.dead_letters()
        assert [letter["reason"] for letter in letters] == ["malformed"] * 2
        assert daemon.metric("exporter_events_excluded_total", "crm", "tombstone") == 1
        assert daemon.terminate() == 0
        keys = [reception.idempotency_key for reception in receiver.received()]
        assert sorted(map(str, keys)) == ["crm:e0", "crm:e1", "crm:from-header"]


def test_a_topic_that_is_not_there_yet_is_waited_for(tmp_path: Path, broker: KafkaBroker) -> None:
    section = {**broker.section(), "topic": "made-later"}
    with Place(tmp_path, section) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        daemon = place.daemon()
        missing = "topic made-later: the topic does not exist"
        eventually("it says so", lambda: daemon.alive() and missing in daemon.log.read_text())
        daemon.port = daemon.logs("ops")[-1]["port"]
        eventually("it is paused", lambda: daemon.alive() and daemon.paused("crm") == {"queue"})
        checked = place.command("check", "--connect")
        assert checked.returncode == 1
        assert missing in checked.stdout
        asyncio.run(make(section))
        source = Source(profiles=10)
        place.publish(source.make(100))
        eventually("all is delivered", lambda: daemon.alive() and receiver.delivered() >= 100)
        assert not daemon.paused("crm")
        assert daemon.terminate() == 0
        assert judged("crm", source.made, receiver.received()).sound


#: None in ``sys.modules`` is a module that cannot be found.
_WITHOUT_CODECS = "import sys; sys.modules['cramjam'] = None; from exporter.cli.app import main; main()"


def test_records_that_are_compressed_wait_for_the_library_that_the_reason_names(
    tmp_path: Path, broker: KafkaBroker
) -> None:
    section = broker.section()
    with Place(tmp_path, section) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=4)
        asyncio.run(put_compressed(section, *source.make(20)))
        lacking = "compressed with lz4, for which a library is missing: pip install cramjam"
        command = (sys.executable, "-c", _WITHOUT_CODECS)
        checked = subprocess.run(
            [*command, "check", "--connect", "--config", str(place.file)], capture_output=True, text=True, timeout=60
        )
        assert checked.returncode == 1
        assert lacking in checked.stdout
        without = place.daemon("without", (*command, "run")).ready()
        eventually("it is paused", lambda: without.alive() and without.paused("crm") == {"queue"})
        assert lacking in without.log.read_text()
        assert lacking in place.command("status", "--url", f"http://127.0.0.1:{without.port}").stdout
        assert without.terminate() == 0
        assert place.command("check", "--connect").returncode == 0
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0
        assert judged("crm", source.made, receiver.received()).sound


async def put_compressed(section: dict[str, Any], *events: Sent) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=section["bootstrap_servers"], compression_type="lz4")
    await producer.start()
    try:
        for event in events:
            await producer.send_and_wait(section["topic"], event.body, key=event.profile.encode())
    finally:
        await producer.stop()


async def make(section: dict[str, Any]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=section["bootstrap_servers"])
    await admin.start()
    try:
        await admin.create_topics([NewTopic(section["topic"], 3, 1)])
    finally:
        await admin.close()
