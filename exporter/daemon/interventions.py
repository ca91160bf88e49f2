"""What operators ask of destinations by hand: seen by this process, and done in the state (contract.md#by-hand).

The state is what every replica and worker obeys, so that a pause holds for all of them and outlives them. Each process
looks at the state every few seconds, one query for all of its destinations; what is done through this very process is
obeyed at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, Protocol

from exporter.daemon.ops.actions import ActionResult, Done, NotDone
from exporter.database import DatabaseRefused, DatabaseUnavailable
from exporter.queues.port import EventTooLarge, Outgoing, Queue, QueueFull, QueueUnavailable
from exporter.sections.printable import agreeing, counted, printable
from exporter.settings.loading.suggestions import guess
from exporter.settings.made_event import made_event
from exporter.settings.tree import Settings
from exporter.state.interventions import NO_INTERVENTION, Intervention, Interventions, OperatorPause
from exporter.state.kinds import State
from exporter.state.letter import Filter
from exporter.state.port import StateUnavailable

#: How often a process looks; with the time that a look may take, a change is obeyed within ``OBEYED_SECONDS``.
LOOK_SECONDS: Final = 2.0
OBEYED_SECONDS: Final = 5

Obey = Callable[[Mapping[str, Intervention]], None]
#: A state, opened for one action or open all the time. Raises as ``open_state``.
Opening = Callable[[], AbstractAsyncContextManager[State]]


async def follow(interventions: Interventions, obey: Obey) -> None:
    """Look again and again, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await look(interventions, obey)


async def look(interventions: Interventions, obey: Obey) -> None:
    """Obey what operators have asked by now; what was asked last stands while the state is away."""
    with suppress(StateUnavailable):
        obey(await interventions.all())


def held_back(kind: str, waiting: int | None) -> str | None:
    """What becomes of the events that wait in a queue of ``kind`` for a paused destination; None where none do.

    ``waiting`` is how many events wait, None where that is not known.
    """
    if waiting == 0:
        return None
    events = "what it has not read" if waiting is None else f"{waiting:,} {agreeing(waiting, 'event')} for it"
    match kind:
        case "kafka" | "nats":
            return f"the broker holds {events}, and deletes them by its own retention, read or not"
        case "journal":
            return f"the journal keeps {events} until it is resumed; at queue.max_bytes nothing more can be queued"
        case _:
            return f"the queue keeps {events} until it is resumed"


def _replay_text(asked: int, left_out: int) -> str:
    """What came of a wish for a replay, for people."""
    said = f"replay of {counted(asked, 'dead letter')} asked for" if asked else "there is no such dead letter to replay"
    return said + (f"; {counted(left_out, 'superseded one')} left out" if left_out else "")


class ByHand:
    """``Actions`` on a state.

    ``by`` is who acts where an action does not say, for people. ``obey`` is called with what is asked for after a
    change, and does nothing where no dataflow runs in the process. ``paused`` says for which reasons a destination is
    paused here, None where the destination does not run here. ``queue`` is the open queue, None where there is none.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        opening: Opening,
        epoch: Callable[[], float],
        by: str,
        obey: Obey = lambda _: None,
        paused: Callable[[str], Collection[str] | None] = lambda _: None,
        queue: Callable[[], Queue | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._opening = opening
        self._epoch = epoch
        self._by = by
        self._obey = obey
        self._paused = paused
        self._queue = queue

    async def pause(self, name: str, why: str, by: str = "") -> ActionResult:
        """A pause that there is already stays, unless a new note is given."""

        async def pause(interventions: Interventions, group: str) -> ActionResult:
            before = (await interventions.all()).get(group, NO_INTERVENTION).pause
            if before is not None and not why:
                return Done(f"{name} was paused already, {before}")
            now = OperatorPause(self._epoch(), printable(by or self._by), printable(why))
            await interventions.pause(group, now)
            earlier = "" if before is None else f" {now} (it was already, {before})"
            return Done(
                f"{name} is paused{earlier}: nothing is sent, what is in flight finishes, the rest stays in the queue "
                f"until it is resumed{self._soon}"
            )

        return await self._do(name, pause)

    async def resume(self, name: str) -> ActionResult:

        async def resume(interventions: Interventions, group: str) -> ActionResult:
            before = await interventions.resume(group)
            if before is None:
                return Done(f"{name} was not paused by an operator: nothing is to be resumed{self._others(name)}")
            return Done(f"{name} goes on, paused {before}{self._others(name)}{self._soon}")

        return await self._do(name, resume)

    async def probe(self, name: str) -> ActionResult:

        async def probe(interventions: Interventions, group: str) -> ActionResult:
            before = (await interventions.all()).get(group, NO_INTERVENTION).pause
            if before is not None:
                return NotDone("not_now", f"{name} is paused by an operator, {before}: nothing is probed; resume it")
            paused = self._paused(name)
            await interventions.probe(group)
            if paused is None:
                return Done(
                    f"every process that runs {name} probes within {OBEYED_SECONDS} s what pauses it, if anything"
                )
            if not paused:
                return Done(f"{name} is running and not paused: there is nothing to probe, and nothing was sent for it")
            return Done(f"{name} is probed now, paused ({', '.join(sorted(paused))})")

        return await self._do(name, probe)

    async def test(self, name: str) -> ActionResult:
        """As ``made_event``; where no queue is open in the process, nothing can be put on it."""
        settings = self._settings()
        destination = next((each for each in settings.destinations if each.name == name), None)
        if destination is None:
            return _unknown(name, [each.name for each in settings.destinations])
        if not destination.enabled:
            return NotDone("not_now", f"{name} is switched off (enabled: false), so nothing would be sent")
        queue = self._queue()
        if queue is None:
            return NotDone("unavailable", "no queue is open here now")
        event = made_event(destination, settings)
        if isinstance(event, str):
            return NotDone("not_now", f"nothing was queued: {event}")
        try:
            await queue.publish([Outgoing(event.mark, event.body)])
        except (EventTooLarge, QueueFull, QueueUnavailable) as error:
            return NotDone("unavailable", f"nothing was queued: {error}")
        return Done(f"{event.mark} is queued for {name}")

    async def replay(self, which: Filter, *, superseded: bool) -> ActionResult:
        """A destination that is not configured any more may have letters, if it is named."""
        names = [destination.name for destination in self._settings().destinations]
        name = which.destination
        try:
            async with self._opening() as state:
                letters = state.letters
                if name is not None and name not in names and not await letters.count(Filter(destination=name)):
                    return _unknown(name, names)
                asked = await letters.ask(*which.among(names), superseded=superseded)
                missing = len(which.ids) - await letters.count(Filter(ids=which.ids)) if which.ids else 0
        except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
            return _away(error)
        counts = {"asked": len(asked.ids), "leftOut": asked.left_out, "missing": missing}
        return Done(_replay_text(len(asked.ids), asked.left_out), counts)

    @property
    def _soon(self) -> str:
        return f"; every process that runs it obeys within {OBEYED_SECONDS} s"

    def _others(self, name: str) -> str:
        """The pauses that go on, for people."""
        others = sorted(set(self._paused(name) or ()) - {"operator"})
        return f" ({', '.join(others)} goes on by itself)" if others else ""

    async def _do(self, name: str, act: Callable[[Interventions, str], Awaitable[ActionResult]]) -> ActionResult:
        settings = self._settings()
        enabled = {destination.name: destination.enabled for destination in settings.destinations}
        if name not in enabled:
            return _unknown(name, list(enabled))
        try:
            async with self._opening() as state:
                result = await act(state.interventions, settings.group_of(name))
                self._obey(await state.interventions.all())
        except (DatabaseRefused, DatabaseUnavailable, StateUnavailable) as error:
            return _away(error)
        return result


class OpenedParts(Protocol):
    """What a process has open."""

    @property
    def state(self) -> State:
        """Where interventions and dead letters are."""

    @property
    def queue(self) -> Queue:
        """Where events wait."""


class Running(Protocol):
    """The dataflows of a process."""

    def obey(self, interventions: Mapping[str, Intervention]) -> None:
        """Take over what operators ask, by group."""

    def paused(self, name: str) -> Collection[str] | None:
        """For which reasons a destination is paused here, None where it does not run here."""


def open_already(parts: Callable[[], OpenedParts | str]) -> Opening:
    """Gives the state that a process has open; what it raises is ``StateUnavailable``."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[State]:
        found = parts()
        if isinstance(found, str):
            raise StateUnavailable(found)
        yield found.state

    return opened


def in_process(
    settings: Callable[[], Settings],
    parts: Callable[[], OpenedParts | str],
    running: Callable[[], Running | None],
    epoch: Callable[[], float],
) -> ByHand:
    """What may be done by hand through a daemon.

    ``parts`` are open in it, or why they are not; ``running`` are its dataflows, None before they are started.
    """

    def queue() -> Queue | None:
        return None if isinstance(found := parts(), str) else found.queue

    def obey(interventions: Mapping[str, Intervention]) -> None:
        if (flows := running()) is not None:
            flows.obey(interventions)

    def paused(name: str) -> Collection[str] | None:
        return None if (flows := running()) is None else flows.paused(name)

    return ByHand(settings, open_already(parts), epoch, "the ops port", obey, paused, queue)


def _unknown(name: str, known: Sequence[str]) -> NotDone:
    return NotDone("unknown", f"no destination is called {printable(name)}{guess(name, known)}")


def _away(error: Exception) -> NotDone:
    return NotDone("unavailable", f"the state cannot be used now: {error}")
