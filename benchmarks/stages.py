"""The cost of each stage of a delivery: the same objects as in the daemon, called in a loop, best of the runs.

Waking coroutines, reading sockets, settling and the queue are no stages here: these are the rest of the cost that
``pipeline`` and ``transports`` measure.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.material import BODIES, SMALL, Body, Events, report
from exporter.daemon.slots.wiring import limits
from exporter.dataflow.attempt import status_class
from exporter.messages.exchange import Answer
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.outbox.judging import judge
from exporter.outbox.next_steps import Send
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.outbox.verdict import Delivered
from exporter.profile.document.fast_path import compile_fast_path
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.export_headers import idempotency_key, position_value
from exporter.profile.triggers import compile_triggers
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.telemetry.counting import Histogram
from exporter.telemetry.metrics import ATTEMPT_BUCKETS
from exporter.transport.lean.head import Head

PROFILES = 2_000
MAX_EVENT_BYTES = 1024 * 1024
#: As many as fit into a window, so that the cost of a call is lost in the loop.
DELIVERIES = 5_000


def stages(kind: Body = SMALL, runs: int = 5) -> dict[str, float]:
    """CPU microseconds of each stage, the surrounding loop included (about 0.02)."""
    destination = Destination.model_validate(
        {
            "name": "crm",
            "endpoint": "https://partner.example.com/profiles",
            "delivery": {"rate": 10_000_000},
            **kind.mapping,
        }
    )
    mapping = destination.mapping({}, {segment.key: 0 for segment in destination.segments})
    fast_path = compile_fast_path(mapping)
    decide, build = compile_triggers(mapping, fast_path), compile_payload(mapping, fast_path)
    messages = [
        Message("0", number, event.body, 0.0) for number, event in enumerate(Events(kind).backlog(DELIVERIES, PROFILES))
    ]
    found = [change for message in messages if isinstance(change := read(message.body, MAX_EVENT_BYTES), Change)]
    decide(found[0])
    body = build(found[0])
    assert isinstance(body, bytes)
    prepared = prepare(destination)
    request = prepared.request(None, "crm:e1", "0-1", body)
    head = Head(request.url, request.fixed)
    answer = Answer(200, {}, b"")
    histogram = Histogram(ATTEMPT_BUCKETS)

    def export(pair: tuple[Message, Change]) -> Export:
        message, change = pair
        event_id = change.id or ""
        key = idempotency_key("crm", event_id)
        position = position_value(message.lane, message.position)
        return Export(message, change.profile_id, event_id, key, position, body, 0.0)

    def encode(_: Message) -> None:
        asked = prepared.request(None, "crm:e1", "0-1", body)
        head.request(asked.own, asked.body)

    def judged(_: Message) -> None:
        status_class(answer)
        histogram.observe(0.003)
        judge(answer, frozenset({401}), time.time)

    pairs = list(zip(messages, found, strict=True))
    exports = [export(pair) for pair in pairs]
    return {
        "read: soundness, JSON, times": _best(lambda m: read(m.body, MAX_EVENT_BYTES), messages, runs),
        "decide and build": _best(lambda change: (decide(change), build(change)), found, runs),
        "export: key and position": _best(export, pairs, runs),
        "outbox: add, take, answered": min(_through_the_outbox(destination, exports) for _ in range(runs)),
        "request as bytes": _best(encode, messages, runs),
        "verdict and metrics": _best(judged, messages, runs),
    }


def _best(call: Callable[[Any], object], items: Sequence[Any], runs: int) -> float:
    best = float("inf")
    for _ in range(runs):
        begun = time.process_time_ns()
        for item in items:
            call(item)
        best = min(best, time.process_time_ns() - begun)
    return best / len(items) / 1e3


def _through_the_outbox(destination: Destination, exports: Sequence[Export]) -> float:
    """The cost of adding each export, and of delivering all as soon as the search for the concurrency allows."""
    outbox = Outbox(limits(destination.delivery), Pool(256 * 1024**2).join())
    verdict = Delivered(200)
    now = 0.0
    begun = time.process_time_ns()
    for export in exports:
        outbox.add(export, now)
    while outbox.events:
        now += 0.001
        taken = outbox.take(now)
        if isinstance(taken, Send):
            outbox.answered(taken.export, verdict, now, 0.001)
    return (time.process_time_ns() - begun) / len(exports) / 1e3


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--body", choices=BODIES, default=SMALL.name, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="the best counts (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    report("stages", {"CPU us": stages(BODIES[options.body], options.runs)}, options.json)


if __name__ == "__main__":
    main()
