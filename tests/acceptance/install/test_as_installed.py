"""One run on each kind of queue with nothing but the command: what is published is exported, and settled.

.ci/as-installed runs this with the command of an environment that has the kind's extra and nothing else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import brokers
import nats_broker
import nkeys  # type: ignore[import-untyped]
import pytest
from aiokafka import AIOKafkaProducer
from brokers import Kind
from events import Sent, Source
from harness import Place
from judging import judged
from processes import eventually
from serving import ATTRIBUTES, connected, post, serve, settled, way_in

#: In CI they run on such environments before, and would only take as long again on this one.
pytestmark = pytest.mark.skipif(
    bool(os.environ.get("CI")) and "EXPORTER_TESTED" not in os.environ, reason="run by .ci/as-installed before"
)

#: What other producers compress records with.
CODECS = ("gzip", "snappy", "lz4", "zstd")


@pytest.fixture(params=["journal", *get_args(Kind)])
def section(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A ``queue`` of the kind, on its real broker, used in such a way that what the extra brings is needed."""
    if request.param == "journal":
        yield {"kind": "journal", "path": str(tmp_path / "queue.db")}
        return
    if request.param == "nats":
        with signed_in_with_a_key(tmp_path) as section:
            yield section
        return
    with brokers.running(request.param, tmp_path) as broker:
        yield broker.section()


def test_what_is_published_is_exported_and_settled(section: dict[str, Any], tmp_path: Path) -> None:
    with Place(tmp_path, section) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=10)
        checked = place.command("check", "--connect")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        file = tmp_path / "events.jsonl"
        file.write_bytes(b"".join(event.body + b"\n" for event in source.make(100)))
        sent = place.command("send", str(file))
        assert (sent.returncode, sent.stdout) == (0, "100 events queued\n"), sent.stderr
        if section["kind"] == "kafka":
            for codec in CODECS:
                asyncio.run(compressed(section, codec, source.make(20)))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        [position, *_] = place.lines("positions", "list", "--json")
        assert position["destination"] == "crm"
        assert daemon.terminate() == 0
        assert judged("crm", source.made, receiver.received(), place.dead_letters()).sound


def test_a_record_that_is_posted_is_exported(section: dict[str, Any], tmp_path: Path) -> None:
    with Place(tmp_path, section) as place:
        way_in(place)
        receiver = place.receiver()
        place.destination("crm", receiver.url, attributes=ATTRIBUTES, require_membership=False)
        place.write()
        serving, daemon = serve(place).ready(), place.daemon().ready()
        with connected(place) as connection:
            for number in range(5):
                assert (
                    post(connection, {"id": f"p-{number}", "n": 1, "name": "Ada L", "email": f"{number}@x.y"})[0] == 200
                )
        settled(place, serving, "crm")
        assert receiver.delivered() == 5
        assert (serving.terminate(), daemon.terminate()) == (0, 0)


@contextmanager
def signed_in_with_a_key(folder: Path) -> Iterator[dict[str, Any]]:
    """On NATS, whose client has another library for signing."""
    seed = nkeys.encode_seed(b"0123456789abcdef0123456789abcdef", nkeys.PREFIX_BYTE_USER).decode()
    public = nkeys.from_seed(bytearray(seed.encode())).public_key.decode()
    broker = nats_broker.Broker(folder, f"authorization: {{users: [{{nkey: {public}}}]}}")
    broker.start()
    try:
        asyncio.run(broker.answers())
        yield {"kind": "nats", "url": broker.url, "create": True, "nkey": seed}
    finally:
        broker.stop()


async def compressed(section: dict[str, Any], codec: str, events: list[Sent]) -> None:
    """Put events on the topic as a producer does that compresses."""
    producer = AIOKafkaProducer(bootstrap_servers=section["bootstrap_servers"], compression_type=codec)
    await producer.start()
    try:
        for event in events:
            await producer.send_and_wait(section["topic"], event.body, key=event.profile.encode())
    finally:
        await producer.stop()
