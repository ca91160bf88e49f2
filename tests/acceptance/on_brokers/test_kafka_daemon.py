"""The daemon on Kafka: outages of the broker, endpoints that never answer, and events of other clients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from broker_contract import Isolation, Outages, a_trace_beside_the_event_goes_on, away, events_of_others_are_exported
from brokers import KafkaBroker, Kind
from events import Sent, Source
from harness import Place
from processes import eventually

KIND: Kind = "kafka"


class TestOutages(Outages):
    """The contract."""

    def test_what_waits_on_brokers_that_are_away_is_unknown_and_not_nothing(
        self, tmp_path: Path, broker: KafkaBroker
    ) -> None:
        with Place(tmp_path, broker.section()) as place:
            place.destination("crm", place.receiver("--status", "503").url, delivery={"retries": [3_600]})
            place.write()
            daemon = place.daemon().ready()
            place.publish(Source(20).make(50))
            eventually("they wait", lambda: daemon.metric("exporter_queue_lag", "crm") == 50)
            with away(broker):
                eventually("the lanes are lost", lambda: daemon.alive() and daemon.logs("lane lost"))
                eventually("it is unknown", lambda: "exporter_queue_lag{crm}" not in daemon.metrics())
                assert "exporter_oldest_pending_seconds{crm}" not in daemon.metrics()


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


def test_a_trace_in_a_header_goes_on(tmp_path: Path, broker: KafkaBroker) -> None:
    section = broker.section()
    where = ("--bootstrap-server", section["bootstrap_servers"], "--topic", section["topic"])

    def put(event: Sent, traceparent: str) -> None:
        line = b"traceparent:%s\t%s\t%s\n" % (traceparent.encode(), event.profile.encode(), event.body)
        parsed = ("--property", "parse.headers=true", "--property", "parse.key=true")
        broker.server.tool("org.apache.kafka.tools.ConsoleProducer", *where, *parsed, stdin=line)

    a_trace_beside_the_event_goes_on(tmp_path, section, put)
