"""The daemon on Kafka: outages of the broker, endpoints that never answer, and events of other clients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from broker_contract import Isolation, Outages, events_of_others_are_exported
from brokers import KafkaBroker, Kind
from events import Sent

KIND: Kind = "kafka"


class TestOutages(Outages):
    """The contract."""


class TestIsolation(Isolation):
    """The contract."""


def test_events_of_kafkas_console_producer_are_exported(tmp_path: Path, broker: KafkaBroker) -> None:
    section = broker.section()
    where = ("--bootstrap-server", section["bootstrap_servers"], "--topic", section["topic"])

    def put(events: Sequence[Sent]) -> None:
        lines = b"".join(b"%s\t%s\n" % (event.profile.encode(), event.body) for event in events)
        producer = "org.apache.kafka.tools.ConsoleProducer"
        broker.server.tool(producer, *where, "--property", "parse.key=true", stdin=lines)

    events_of_others_are_exported(tmp_path, section, put)
