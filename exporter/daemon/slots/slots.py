"""All destinations that run: starts, stops and replaces slots, and sums up their status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from exporter.daemon.interventions import look
from exporter.daemon.process.garbage import collect
from exporter.daemon.shared_state import refuse_unless_shared
from exporter.daemon.slots.slot import Slot
from exporter.daemon.slots.wiring import Shared
from exporter.daemon.startup import unreachable
from exporter.settings.destination import Destination
from exporter.settings.difference import Difference
from exporter.settings.tree import Settings
from exporter.settings.whereabouts import whereabouts
from exporter.state.interventions import NO_INTERVENTION, Intervention
from exporter.tasks.lifetimes import whole
from exporter.telemetry.status import DataflowStatus, Health


class Slots:
    """``groups`` holds the names of all configured groups, and is kept up to date for the queue.

    ``failed`` is called with a bug in the code around a dataflow; a bug in a dataflow is handled by its slot.
    ``interventions`` is what operators have asked of each group so far.
    """

    def __init__(
        self,
        settings: Settings,
        shared: Shared,
        groups: set[str],
        tasks: asyncio.TaskGroup,
        failed: Callable[[str, Exception], None],
        interventions: Mapping[str, Intervention],
    ) -> None:
        self._settings = settings
        self._shared = shared
        self._groups = groups
        self._tasks = tasks
        self._failed = failed
        self._slots: dict[str, Slot] = {}
        self._draining = False
        self._interventions = interventions
        self._start(settings.running)

    @property
    def settings(self) -> Settings:
        """The configuration that was taken over last."""
        return self._settings

    async def refuse_unless_shared(self, settings: Settings, names: Iterable[str]) -> None:
        """Check these destinations of a new configuration. Raises as ``shared_state.refuse_unless_shared``."""
        destinations = [destination for destination in settings.running if destination.name in names]
        shared = self._shared

        def waits(what: str) -> None:
            shared.log.info("waiting", detail=what)

        await refuse_unless_shared(shared.queue, settings, destinations, shared.state.identity, waits)

    async def change(self, settings: Settings, changes: Difference) -> None:
        """Take over a new configuration."""
        old, self._settings = self._settings, settings
        # A name that stays is never missing: the queue's upkeep reads this set from a thread of its own.
        self._groups |= settings.groups
        self._groups &= settings.groups
        self._shared.memory.resize(int(settings.memory))
        configured = {destination.name: destination for destination in settings.running}
        self._start([configured[name] for name in changes.added])
        async with asyncio.TaskGroup() as tasks:
            for name in (*changes.removed, *changes.changed):
                tasks.create_task(self._replace(self._slots[name], configured.get(name), old.drain))
        # No reload waits now: a replaced dataflow reads again, and its window is not full yet.
        collect()

    async def _replace(self, slot: Slot, new: Destination | None, drain_seconds: float) -> None:
        """Replace or end a slot, each slot alone: an endpoint that hangs must not hold up the rest."""
        await self._stop([slot], drain_seconds)
        if new is not None and not self._draining:
            self._start([new])
        elif new is None:
            del self._slots[slot.destination.name]
            self._shared.metrics.forget(slot.destination.name)
            self._shared.attempts.forget(slot.destination.name)

    async def drain(self) -> bool:
        """Stop all slots; whether every slot could commit what was settled."""
        self._draining = True
        await self._stop(self._slots.values(), self._settings.drain)
        return all(slot.committed for slot in self._slots.values())

    def cut(self) -> None:
        """Stop waiting for what is in flight."""
        for slot in self._slots.values():
            slot.cut()

    async def look(self) -> None:
        """Have every slot do what operators have asked by now."""
        await look(self._shared.state.interventions, self.obey)

    def obey(self, interventions: Mapping[str, Intervention]) -> None:
        """Have every slot do what operators ask of its group."""
        self._interventions = interventions
        for name, slot in self._slots.items():
            slot.obey(self._asked_of(name))

    def _asked_of(self, name: str) -> Intervention:
        return self._interventions.get(self._settings.group_of(name), NO_INTERVENTION)

    def paused(self, name: str) -> frozenset[str] | None:
        """The reasons for which a destination is paused; None where it does not run here, or only stands by."""
        slot = self._slots.get(name)
        return None if slot is None or slot.state == "standby" else slot.paused

    @property
    def in_flight(self) -> Mapping[str, int]:
        """How many attempts are in flight, for each destination that has any."""
        return {name: slot.in_flight for name, slot in self._slots.items() if slot.in_flight}

    @property
    def reading(self) -> bool:
        """Whether all dataflows read."""
        return all(slot.state == "running" for slot in self._slots.values())

    def health(self) -> Health:
        """Ready once all dataflows have started (a standby has), while queue and state can be reached."""
        reasons = ["draining"] if self._draining else []
        for name, slot in self._slots.items():
            away = self._away(slot)
            if slot.state == "starting" and not away:
                reasons.append(f"{name}: {'ended by a bug, to be started again' if slot.broken else 'starting'}")
            reasons += [f"{name}: {reason}" for reason in away]
        return Health(not reasons, tuple(reasons))

    def _away(self, slot: Slot) -> list[str]:
        """Which of queue and state the slot cannot reach, and why."""
        sections = (("queue", self._settings.queue), ("state", self._settings.state))
        stops = slot.stops
        return [unreachable(part, whereabouts(section), stops[part]) for part, section in sections if part in stops]

    def status(self) -> list[DataflowStatus]:
        """The status of each dataflow, in the order of the configuration."""
        names = [destination.name for destination in self._settings.running]
        return [self._slots[name].status() for name in names if name in self._slots]

    def _start(self, destinations: Iterable[Destination]) -> None:
        for destination in destinations:
            slot = Slot(destination, self._settings, self._shared, self._asked_of(destination.name))
            self._slots[destination.name] = slot
            self._shared.metrics.watch(destination.name, slot.gauges)
            self._tasks.create_task(self._run(slot))

    async def _run(self, slot: Slot) -> None:
        try:
            await whole("it", slot.run)
        except Exception as error:
            self._failed(f"the slot of {slot.destination.name}", error)

    async def _stop(self, slots: Iterable[Slot], drain_seconds: float) -> None:
        stopping = list(slots)
        for slot in stopping:
            slot.stop(drain_seconds)
        for slot in stopping:
            await slot.ended.wait()
