"""The daemon on Redis Streams: outages of the server, endpoints that never answer, and events of other clients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from broker_contract import Isolation, Outages, a_trace_beside_the_event_goes_on, events_of_others_are_exported
from brokers import Kind, RedisBroker
from events import Sent

KIND: Kind = "redis"


class TestOutages(Outages):
    """The contract."""


class TestIsolation(Isolation):
    """The contract."""


def test_events_that_redis_cli_added_are_exported(tmp_path: Path, broker: RedisBroker) -> None:
    section = broker.section()

    def put(events: Sequence[Sent]) -> None:
        for event in events:
            broker.server.cli("XADD", section["stream"], "*", "event", event.body.decode())

    events_of_others_are_exported(tmp_path, section, put)


def test_a_trace_in_a_field_goes_on(tmp_path: Path, broker: RedisBroker) -> None:
    section = broker.section()

    def put(event: Sent, traceparent: str) -> None:
        broker.server.cli("XADD", section["stream"], "*", "event", event.body.decode(), "traceparent", traceparent)

    a_trace_beside_the_event_goes_on(tmp_path, section, put)
