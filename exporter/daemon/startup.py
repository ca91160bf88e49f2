"""Opens state and queue, and tells the status of all dataflows while the daemon waits (contract.md#operation)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import AsyncExitStack
from typing import Final, Literal, TypeVar

from exporter.daemon.shared_state import refuse_unless_shared
from exporter.database import DatabaseUnavailable
from exporter.queues.advice import Advising
from exporter.queues.kinds import open_queue
from exporter.queues.port import Queue, QueueUnavailable
from exporter.sections.schedules import until_reachable
from exporter.settings.tree import Settings
from exporter.settings.whereabouts import not_yet_made
from exporter.state.interventions import Intervention
from exporter.state.kinds import State, StateSettings, open_state
from exporter.state.port import StateUnavailable
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import Gauges
from exporter.telemetry.status import DataflowStatus, Health

Part = Literal["queue", "state"]
_AWAY: Final = (DatabaseUnavailable, QueueUnavailable, StateUnavailable)

T = TypeVar("T")


def unreachable(part: str, place: str, failure: str) -> str:
    """The words of ``/ready`` for a part that cannot be used."""
    return f"{part} cannot be reached ({place})" + (f": {failure}" if failure else "")


class Startup:
    """The progress of a daemon's start: which part is being opened, and why opening has not worked so far.

    ``places`` holds the whereabouts of each part.
    """

    def __init__(self, destinations: Sequence[str], places: Mapping[Part, str]) -> None:
        self._destinations = destinations
        self._places = places
        self._part: Part | None = None
        self._failure: str | None = None

    def opening(self, part: Part) -> None:
        """Note that ``part`` is being opened now; the part before is open."""
        self._part = part
        self._failure = None

    def failed(self, reason: str) -> None:
        """Note why the part could not be opened; the daemon tries again."""
        self._failure = reason

    @property
    def reason(self) -> str:
        """The reason for waiting."""
        return "starting" if self._part is None or self._failure is None else f"{self._part} cannot be reached"

    def health(self) -> Health:
        """Not ready, and why."""
        if self._part is None or self._failure is None:
            return Health(False, ("starting",))
        return Health(False, (unreachable(self._part, self._places[self._part], self._failure),))

    def gauges(self) -> Gauges:
        """The gauges of each dataflow: paused, once a part could not be opened."""
        return Gauges(0, 0, None, None, self._paused, None)

    def status(self) -> list[DataflowStatus]:
        """The status of all dataflows, in the order of the configuration."""
        state: Literal["paused", "starting"] = "paused" if self._paused else "starting"
        return [
            DataflowStatus(name, state, tuple(self._paused), last_failure=self._failure) for name in self._destinations
        ]

    @property
    def _paused(self) -> frozenset[str]:
        return frozenset() if self._part is None or self._failure is None else frozenset({self._part})


async def open_state_and_queue(
    stack: AsyncExitStack, settings: Settings, groups: Set[str], startup: Startup, log: Log
) -> tuple[State, Queue, Mapping[str, Intervention]]:
    """Open both, to be closed by ``stack``, and look what operators have asked of the groups so far.

    While a part cannot be reached, try again, and have ``startup`` say so; log which databases are new.
    ``groups`` holds the names of all configured groups, and is kept up to date for the queue.

    Raises:
        DatabaseRefused: a file is damaged, or not a database of the exporter.
        StateNotShared: as ``refuse_unless_shared``, which is asked once both are open.
    """

    made = {part: file for part in ("state", "queue") if (file := not_yet_made(getattr(settings, part)))}

    def failed(error: Exception) -> None:
        startup.failed(str(error))
        log.warning("waiting", reason=startup.reason, detail=str(error))

    async def reached(part: Part, work: Callable[[], Awaitable[T]]) -> T:
        startup.opening(part)
        return await until_reachable(work, _AWAY, random.uniform, failed)

    def warn(text: str) -> None:
        log.warning("queue", detail=text)

    def waits(detail: str) -> None:
        log.info("waiting", reason="state not shared", detail=detail)

    state = await reached("state", lambda: open_checked_state(stack, settings.state, log))
    queue = await reached(
        "queue", lambda: stack.enter_async_context(open_queue(settings.queue, groups, warn, state.identity))
    )
    # The queue is open; the next question to the queue may fail too.
    running = settings.running
    await reached("queue", lambda: refuse_unless_shared(queue, settings, running, state.identity, waits))
    interventions = await reached("state", state.interventions.all)  # last, since a queue may be long in coming
    for part, file in made.items():
        log.info("new database", what=part, path=str(file))
    return state, queue, interventions


async def open_checked_state(stack: AsyncExitStack, section: StateSettings, log: Log) -> State:
    """Open the state, and log what is wrong with an open state: the fault may not last.

    Raises:
        DatabaseRefused, DatabaseUnavailable or StateUnavailable: as ``open_state``.
    """
    state = await stack.enter_async_context(open_state(section))
    try:
        await state.check()
        advice = await state.advice() if isinstance(state, Advising) else ()
    except StateUnavailable as error:
        advice = (error.reason,)
    for sentence in advice:
        log.warning("state", detail=sentence)
    return state
