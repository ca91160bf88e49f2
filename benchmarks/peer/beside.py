"""The exporter beside the peer: in pairs, one right after the other, on the same core, to the same nginx.

The peer sends bodies that are ready, from a Kafka topic. The exporter reads events, decides, builds the same bodies and
settles, once from the journal and once from Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import brokers, wrk
from benchmarks.cores import core_for_the_daemon
from benchmarks.drive import PROFILES, Drive, QueueSection
from benchmarks.material import LARGE, Body, Events, report
from benchmarks.pairs import across, compared
from benchmarks.peer.client import Forwarding, Program
from benchmarks.peer.measuring import Answered, measured
from benchmarks.processes import Failed
from benchmarks.results import Record, say
from benchmarks.setting import setting
from exporter.profile.document.fast_path import compile_fast_path
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.queues.port import Outgoing
from exporter.settings.destination import Destination

PEER, JOURNAL, KAFKA = "peer", "journal", "kafka"
#: What an exporter's ratio to the peer of its pair is called.
OF_THE_PEER = "of the peer"
_PATH = "/profiles"
_MAX_EVENT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Extent:
    """How many pairs, and how long each client runs.

    Attributes:
        seconds: how long each client is measured.
        peer_warm_seconds: how long the peer delivers before that; the JVM compiles what it has seen.
        exporter_warm_seconds: the same of the exporter, which searches for its concurrency.
        records: the backlog of the peer; must not end within the time of a run.
        events: the same of the exporter.
    """

    pairs: int = 7
    seconds: float = 6.0
    peer_warm_seconds: float = 20.0
    exporter_warm_seconds: float = 2.0
    records: int = 1_300_000
    events: int = 700_000


def beside(record: Record, extent: Extent, core: int | None) -> None:
    """Measure all pairs; the record gets the medians of each client, and of the exporter's ratios within a pair.

    Raises:
        Missing: the machine lacks Java, Maven or nginx; the text says what to install.
        Failed: the jars or the broker could not be downloaded, or something does not start.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(folder)
        with wrk.nginx(folder) as url, brokers.running("kafka", folder) as new_queue:
            pairs = _Pairs(program, url, new_queue, extent, core)
            found: list[dict[str, dict[str, float]]] = []
            for number in range(1, extent.pairs + 1):
                say(f"{record.name}: pair {number} of {extent.pairs}, after {record.seconds:.0f} s")
                with record.survives("pairs"):
                    found.append(pairs.measure(number))
    for client in (PEER, JOURNAL, KAFKA) if found else ():
        ratios = [] if client == PEER else [compared(OF_THE_PEER, pair[client], pair[PEER]) for pair in found]
        record.numbers[client] = across([pair[client] for pair in found], ratios)


class _Pairs:
    """What all pairs share: the program, nginx, and two topics, each read from its beginning by a new group."""

    def __init__(
        self, program: Program, url: str, new_queue: brokers.NewQueue, extent: Extent, core: int | None
    ) -> None:
        self._program = program
        self._url = url
        self._extent = extent
        self._how = Drive("lean", extent.events, LARGE, core)
        self._bodies, self._changes = new_queue(), new_queue()
        _fill(self._bodies, documents(self._how.body, extent.records))
        _fill(self._changes, self._events())

    def measure(self, number: int) -> dict[str, dict[str, float]]:
        """The peer, the exporter from the journal, the exporter from Kafka."""
        return {
            PEER: self._peer(f"peer-{number}"),
            JOURNAL: self._exporter(f"pair-{number}", None),
            KAFKA: self._exporter(f"pair-{number}", self._changes),
        }

    def _events(self) -> Iterator[Outgoing]:
        return Events(self._how.body).backlog(self._how.events, PROFILES)

    @property
    def _port(self) -> int:
        port = urlsplit(self._url).port
        assert port is not None
        return port

    def _peer(self, group: str) -> dict[str, float]:
        assert self._bodies is not None
        broker, topic = self._bodies["bootstrap_servers"], self._bodies["topic"]
        how = Forwarding(broker, topic, group, self._port, _PATH, wrk.TOKEN, self._how.concurrency)
        answered = Answered(self._url)
        with self._program.running(how, self._how.core) as peer:
            extent = self._extent
            return measured("the peer", peer, answered, extent.records, extent.peer_warm_seconds, extent.seconds)

    def _exporter(self, name: str, section: QueueSection) -> dict[str, float]:
        extent = self._extent
        with setting(self._how.core, section) as place:
            bearer = {"kind": "bearer", "token": wrk.TOKEN}
            place.destination(name, self._port, self._how.transport, auth=bearer, **self._how.destination)
            if section is None:
                asyncio.run(place.publish(self._events()))
            answered = Answered(self._url)
            what = f"the exporter from {'the journal' if section is None else 'Kafka'}"
            daemon = place.daemon()
            return measured(what, daemon, answered, extent.events, extent.exporter_warm_seconds, extent.seconds)


def _fill(section: QueueSection, messages: Iterator[Outgoing]) -> None:
    with setting(None, section) as place:
        asyncio.run(place.publish(messages))


def documents(body: Body, count: int) -> Iterator[Outgoing]:
    """So many bodies, each as the exporter builds it of the event of the same number, keyed by the profile."""
    named = {"name": "crm", "endpoint": "https://partner.example.com/profiles"}
    mapping = Destination.model_validate({**named, **body.mapping}).mapping({}, {})
    build = compile_payload(mapping, compile_fast_path(mapping))
    for event in Events(body).backlog(count, PROFILES):
        change = read(event.body, _MAX_EVENT_BYTES)
        assert isinstance(change, Change)
        document = build(change)
        assert isinstance(document, bytes)
        yield Outgoing(event.key, document)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Extent()
    parser.add_argument("--pairs", type=int, default=usual.pairs, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of each client (default: %(default)s)")
    parser.add_argument(
        "--warm", type=float, default=usual.peer_warm_seconds, help="seconds for the peer's JVM (default: %(default)s)"
    )
    parser.add_argument("--records", type=int, default=usual.records, help="for the peer (default: %(default)s)")
    parser.add_argument("--events", type=int, default=usual.events, help="for the exporter (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    extent = replace(
        usual,
        pairs=options.pairs,
        seconds=options.seconds,
        peer_warm_seconds=options.warm,
        records=options.records,
        events=options.events,
    )
    record = Record("peer")
    try:
        with core_for_the_daemon() as core:
            beside(record, extent, core)
    except Failed as failed:
        raise SystemExit(f"peer: {failed}") from failed
    report("peer", record.numbers, options.json)
    if record.failed:
        raise SystemExit(f"peer: {record.failed}")


if __name__ == "__main__":
    main()
