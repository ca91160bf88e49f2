"""Runs a real dataflow over a queue in memory, a real store and an endpoint that a test scripts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import orjson
import structlog

from exporter.auth.authorizer import Authorizer, Surroundings
from exporter.auth.none import NoAuth
from exporter.dataflow.dependencies import Clock, Dependencies
from exporter.dataflow.flow import Dataflow
from exporter.dataflow.reading import read_alone
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request
from exporter.outbox.limits import Limits
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.profile.document.payload import compile_payload
from exporter.profile.native.projector import compile_projector
from exporter.profile.triggers import compile_triggers
from exporter.queues.port import Outgoing, Queue
from exporter.sections.schedules import retry_delay
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.kinds import State, open_state
from exporter.state.letter import Letter
from exporter.state.sqlite.settings import SqliteSettings
from exporter.telemetry.metrics import Metrics
from exporter.transport.port import Done, Stale, Transport

OK = Answer(200, {}, b"")
Answers = Callable[[Request], Awaitable[Outcome]]


async def ok(_request: Request) -> Outcome:
    return OK


def event(number: int, profile: str = "p", **changes: Any) -> bytes:
    """A change that the destination below exports; ``person.version`` carries ``number``."""
    return orjson.dumps(
        {
            "id": f"e{number}",
            "profileId": profile,
            "changes": {"segments": [{"id": "s", "from": None, "to": "realized"}], **changes},
            "profile": {"person": {"version": number}, "segmentMembership": {"ups": {"s": {"status": "realized"}}}},
        }
    )


@dataclass
class Endpoint:
    """A transport whose answers a test gives."""

    answers: Answers = ok
    requests: list[Request] = field(default_factory=list)
    in_flight: int = 0

    async def send(self, request: Request) -> Outcome:
        self.requests.append(request)
        self.in_flight += 1
        try:
            return await self.answers(request)
        finally:
            self.in_flight -= 1

    @property
    def versions(self) -> list[int]:
        return [orjson.loads(request.body)["person"]["version"] for request in self.requests]

    @property
    def keys(self) -> list[str]:
        return [dict(request.own)["Idempotency-Key"] for request in self.requests]


class ByCallback:
    """A transport that begins a request wherever an earlier one has left a connection idle.

    An error of the endpoint's comes up where the request is sent again: a callback hears outcomes only.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._idle = 0
        self._exchanges: dict[Done, asyncio.Task[None]] = {}

    async def send(self, request: Request) -> Outcome:
        outcome = await self._endpoint.send(request)
        self._idle += 1
        return outcome

    def begin(self, request: Request, done: Done) -> bool:
        if not self._idle:
            return False
        self._idle -= 1
        self._exchanges[done] = asyncio.get_running_loop().create_task(self._exchange(request, done))
        return True

    async def _exchange(self, request: Request, done: Done) -> None:
        try:
            outcome = await self._endpoint.send(request)
        except (Exception, asyncio.CancelledError) as error:
            if self._exchanges.pop(done, None) is None:
                raise
            self._raised = error
            done(Stale(0.0))
        else:
            del self._exchanges[done]
            self._idle += 1
            done(outcome)

    async def resend(self, request: Request, stale: Stale) -> Outcome:
        raise self._raised

    def give_up(self) -> None:
        exchanges, self._exchanges = self._exchanges, {}
        for done, task in exchanges.items():
            task.cancel()
            done(NoAnswer("connection closed before an answer came"))


#: What a dataflow gets of an endpoint; ``conftest.py`` has every test run with either kind.
transport: Callable[[Endpoint], Transport] = lambda same: same  # noqa: E731


class Looks:
    """A dataflow's dead letters; ``times``: how often the dataflow has looked for replays among them."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real
        self.times = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def requested(self, limit: int) -> Sequence[Letter]:
        found = await self._real.requested(limit)
        self.times += 1
        return found


@dataclass
class Flowing:
    """A dataflow that runs."""

    flow: Dataflow
    queue: Queue
    endpoint: Endpoint
    letters: DataflowLetters
    looks: Looks
    metrics: Metrics
    logs: list[dict[str, Any]]
    running: asyncio.Task[bool]

    async def publish(self, *bodies: bytes) -> None:
        await self.queue.publish([Outgoing(None, body) for body in bodies])

    async def settled(self) -> None:
        """Wait until everything on the queue is settled and committed."""
        async with asyncio.timeout(60):
            while self.flow.state == "starting" or any(position.lag for position in await self.queue.positions()):
                assert not self.running.done(), self.running
                await asyncio.sleep(0.005)

    async def looked_for_replays(self) -> None:
        """Wait until what was asked for by now is in hand; the first of the two looks may have begun before."""
        begun = self.looks.times
        await until(lambda: self.looks.times >= begun + 2)

    def count(self, name: str, **labels: str) -> float:
        wanted = {"destination": "d", **labels}
        for family in self.metrics.collect():
            for sample in family.samples:
                if sample.name == name and sample.labels == wanted:
                    return sample.value
        return 0.0


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that is bound to come; the test's own time-out is generous."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (whatever the condition, nothing tells of it)
            await asyncio.sleep(0.005)


DESTINATION: dict[str, Any] = {
    "name": "d",
    "endpoint": "http://127.0.0.1:9/",
    "segments": ["s"],
    "attributes": ["person.version"],
}


@asynccontextmanager
async def flowing(
    queue: Queue,
    folder: Path,
    endpoint: Endpoint | None = None,
    *,
    authorizer: Authorizer | None = None,
    letters: Callable[[DataflowLetters], Any] = lambda real: real,
    dependencies: Callable[[Dependencies], Dependencies] = lambda real: real,
    drain_seconds: float = 5.0,
    retries: tuple[float, ...] = (0.05, 0.1),
    **limits: Any,
) -> AsyncIterator[Flowing]:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state, asyncio.TaskGroup() as tasks:
        endpoint = endpoint or Endpoint()
        logs: list[dict[str, Any]] = []
        made, metrics = _dependencies(queue, state, endpoint, logs, authorizer, retries, limits)
        changed = dependencies(made)
        if (changed.read, changed.decide, changed.build) != (made.read, made.decide, made.build):
            changed = replace(changed, project=None)  # it would do their work
        made = changed
        looks = Looks(made.letters)
        flow = Dataflow(replace(made, letters=letters(cast(DataflowLetters, looks))))
        running = tasks.create_task(flow.run())
        try:
            yield Flowing(flow, queue, endpoint, made.letters, looks, metrics, logs, running)
        finally:
            flow.stop(drain_seconds)
            await running


def _dependencies(
    queue: Queue,
    state: State,
    endpoint: Endpoint,
    logs: list[dict[str, Any]],
    authorizer: Authorizer | None,
    retries: tuple[float, ...],
    limits: dict[str, Any],
) -> tuple[Dependencies, Metrics]:
    destination = Destination.model_validate(DESTINATION)
    mapping = destination.mapping({}, {})
    values: dict[str, Any] = {
        "rate": 1e6,
        "concurrency": 16,
        "window_events": 1000,
        "window_bytes": 1 << 24,
        "retry_after_cap": 3600.0,
        "pause_after_rejections": 100,
        **limits,
    }
    room = values.pop("dead_letters_max_bytes", 1 << 20)
    metrics = Metrics()
    log = structlog.wrap_logger(
        None, processors=[_Keep(logs)], wrapper_class=structlog.make_filtering_bound_logger("info")
    )
    return Dependencies(
        destination="d",
        group="exporter.d",
        start="earliest",
        queue=queue,
        letters=state.letters.of("d", "exporter.d", room),
        transport=transport(endpoint),
        authorizer=authorizer or NoAuth().authorizer(endpoint, Surroundings()),
        read=read_alone(1 << 20),
        decide=compile_triggers(mapping),
        build=compile_payload(mapping),
        prepared=prepare(destination),
        outbox=Outbox(
            Limits(len(retries), retry_delay(retries), lambda n: 0.05 * (n + 1), **values), Pool(1 << 30).join()
        ),
        metrics=metrics.of("d"),
        log=log.bind(),
        clock=Clock(time.monotonic, time.time),
        wait_delay=lambda n: 0.02,
        queue_delay=lambda n: 0.02,
        project=compile_projector(mapping, 1 << 20),
    ), metrics


class _Keep:
    def __init__(self, logs: list[dict[str, Any]]) -> None:
        self._logs = logs

    def __call__(self, logger: Any, method: str, event_dict: Any) -> Any:
        self._logs.append({"level": method, **event_dict})
        raise structlog.DropEvent
