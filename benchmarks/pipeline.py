"""The cost of an event besides HTTP: read, decide, build, outbox, settle, with a transport that answers at once.

The dataflow, the memory queue, the dead-letter store and the metrics are the real ones.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import io
import random
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.material import BODIES, SMALL, Body, Events, medians, report
from exporter.auth.authorizer import Surroundings
from exporter.daemon.slots.wiring import limits
from exporter.dataflow.dependencies import Clock, Dependencies
from exporter.dataflow.flow import Dataflow
from exporter.dataflow.reading import read_alone
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.profile.document.fast_path import compile_fast_path
from exporter.profile.document.payload import compile_payload
from exporter.profile.native.projector import compile_projector
from exporter.profile.triggers import compile_triggers
from exporter.queues.kinds import open_queue
from exporter.queues.memory import MemorySettings
from exporter.queues.port import Outgoing, Queue
from exporter.sections.schedules import probe_delay, reach_delay
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.state.kinds import open_state
from exporter.state.sqlite.settings import SqliteSettings
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.transport.port import Done, Stale

PROFILES = 2_000
MAX_EVENT_BYTES = 1024 * 1024


class AnswersAtOnce:
    """A transport without a wire."""

    def __init__(self) -> None:
        self._answer = Answer(200, {}, b"")
        self._loop = asyncio.get_running_loop()

    async def send(self, request: Request) -> Outcome:  # noqa: ARG002 - the seam has it
        """See ``Transport.send``."""
        return self._answer

    def begin(self, request: Request, done: Done) -> bool:  # noqa: ARG002
        """See ``CallbackTransport.begin``: the answer comes with the event loop's next turn."""
        self._loop.call_soon(done, self._answer)
        return True

    async def resend(self, request: Request, stale: Stale) -> Outcome:  # noqa: ARG002
        """See ``CallbackTransport.resend``; nothing is ever stale."""
        return self._answer

    def give_up(self) -> None:
        """See ``CallbackTransport.give_up``: nothing goes on for longer than a turn."""


@asynccontextmanager
async def _dataflow(body: Body, queue: Queue, folder: Path, metrics: Metrics) -> AsyncIterator[Dataflow]:
    """A dataflow as in the daemon, but for the transport."""
    destination = Destination.model_validate(
        {
            "name": "crm",
            "endpoint": "https://partner.example.com/profiles",
            "delivery": {"rate": 10_000_000},
            **body.mapping,
        }
    )
    mapping = destination.mapping({}, {segment.key: 0 for segment in destination.segments})
    fast_path = compile_fast_path(mapping)
    clock = Clock(monotonic=time.monotonic, epoch=time.time)
    transport = AnswersAtOnce()
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        yield Dataflow(
            Dependencies(
                destination="crm",
                group="exporter.crm",
                start="earliest",
                queue=queue,
                letters=state.letters.of("crm", "exporter.crm", 1024**3),
                transport=transport,
                authorizer=destination.auth.authorizer(transport, Surroundings()),
                read=read_alone(MAX_EVENT_BYTES),
                decide=compile_triggers(mapping, fast_path),
                build=compile_payload(mapping, fast_path),
                prepared=prepare(destination),
                outbox=Outbox(limits(destination.delivery), Pool(256 * 1024**2).join()),
                metrics=metrics.of("crm"),
                log=configure(io.StringIO(), tty=False),
                clock=clock,
                wait_delay=probe_delay(random.uniform),
                queue_delay=reach_delay(random.uniform),
                project=compile_projector(mapping, MAX_EVENT_BYTES),
            )
        )


async def _measure(body: Body, events: Sequence[Outgoing], counter: str, **labels: str) -> float:
    """CPU microseconds an event, from the first read until all events are settled."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_queue(MemorySettings(max_bytes=1024**3), ("exporter.crm",), lambda _: None) as queue:
            await queue.publish(events)
            metrics = Metrics()
            async with _dataflow(body, queue, Path(folder), metrics) as dataflow, asyncio.TaskGroup() as tasks:
                gc.collect()
                begun = time.process_time()
                tasks.create_task(dataflow.run())
                while await _lag(queue) != 0:  # noqa: ASYNC110 - a queue tells nobody that it is read
                    await asyncio.sleep(0.05)
                spent = time.process_time() - begun
                dataflow.stop(1.0)
            counted = metrics.registry.get_sample_value(counter, {"destination": "crm", **labels})
            if counted != len(events):
                raise SystemExit(f"{counter} is {counted}, not {len(events)}")
            return spent / len(events) * 1e6


async def _lag(queue: Queue) -> int | None:
    """Events that the group has not settled; None before it has begun."""
    return next((position.lag for position in await queue.positions() if position.group == "exporter.crm"), None)


def _run(measurement: Coroutine[None, None, float]) -> float:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(measurement)
    return uvloop.run(measurement)


#: Name, whether the events fire, the target in microseconds, and the counter of the events.
_PATHS = (
    ("delivered", True, 35.0, "exporter_exports_total", {"outcome": "delivered"}),
    ("excluded", False, 3.0, "exporter_events_excluded_total", {"reason": "no_trigger"}),
)


def pipeline(count: int, body: Body, runs: int) -> dict[str, dict[str, float]]:
    """CPU time of a delivered event and of an excluded event: medians, beside their targets."""
    numbers = {}
    for name, fires, target, counter, labels in _PATHS:
        events = list(Events(body, fires=fires).backlog(count, PROFILES))
        each = [{"CPU us an event": _run(_measure(body, events, counter, **labels))} for _ in range(runs)]
        numbers[name] = {**medians(each), "target": target}
    return numbers


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=50_000, help="of one run (default: %(default)s)")
    parser.add_argument("--body", choices=BODIES, default=SMALL.name, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=3, help="medians are shown (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    report("pipeline", pipeline(options.events, BODIES[options.body], options.runs), options.json)


if __name__ == "__main__":
    main()
