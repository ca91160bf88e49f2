"""The daemon on NATS JetStream: outages of the server, endpoints that never answer, and events of other clients."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import nats
from broker_contract import Isolation, Outages, a_trace_beside_the_event_goes_on, events_of_others_are_exported
from brokers import Kind, NatsBroker
from events import Sent, Source
from harness import Place
from processes import eventually

KIND: Kind = "nats"


class TestOutages(Outages):
    """The contract."""


class TestIsolation(Isolation):
    """The contract."""


def test_events_that_nats_py_published_by_hand_are_exported(tmp_path: Path, broker: NatsBroker) -> None:
    section = broker.section(create=False)
    stream = section["stream"]

    async def publish(events: Sequence[Sent]) -> None:
        client = await nats.connect(broker.server.url)
        jetstream = client.jetstream()
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.*"])
        for event in events:
            await jetstream.publish(f"{stream}.by-hand", event.body)
        await client.close()

    events_of_others_are_exported(tmp_path, section, lambda events: asyncio.run(publish(events)))


def test_a_trace_in_a_header_goes_on(tmp_path: Path, broker: NatsBroker) -> None:
    section = broker.section(create=False)
    stream = section["stream"]

    async def publish(event: Sent, traceparent: str) -> None:
        client = await nats.connect(broker.server.url)
        jetstream = client.jetstream()
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.*"])
        await jetstream.publish(f"{stream}.by-hand", event.body, headers={"traceparent": traceparent})
        await client.close()

    a_trace_beside_the_event_goes_on(tmp_path, section, lambda *event: asyncio.run(publish(*event)))


def test_commands_work_on_the_stream(tmp_path: Path, broker: NatsBroker) -> None:
    with Place(tmp_path, broker.section()) as place:
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
