"""Lets flows that were deleted by API go for good, once no record in any intake can name them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from exporter.queues.port import Position, QueueUnavailable
from exporter.source.control.answers import found
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Register
from exporter.source.control.objects.resource import Kind, Origin, Resource

#: After that many milliseconds no request is in hand that was let in before its flow was deleted.
IN_HAND_MS: Final = 120_000
#: So often a process says that there is its intake.
SAY_MS: Final = 24 * 3600 * 1000
#: An intake of which nobody has said so for that long holds nothing any more.
FORGET_MS: Final = 30 * SAY_MS
#: The field of a deleted flow that names the intakes in which nothing names it any more.
PASSED: Final = "passedIntakes"
_LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Looks after deleted flows. ``run`` does the work.

    Several processes with an intake each may share the objects, so each says which intake it has, and which deleted
    flows nothing in it can name; a flow goes with the last of them.

    Attributes:
        register: the objects.
        intake: the name of the intake.
        positions: how far it is applied, lane by lane. Raises QueueUnavailable.
        now: epoch milliseconds.
        ends: of its lanes after the last request that may name a flow, by the flow, as far as lanes tell one.
        since: when this process saw that a flow is deleted, by the flow; another may have deleted it long before.
    """

    register: Register
    intake: str
    positions: Callable[[], Awaitable[Sequence[Position]]]
    now: Callable[[], int]
    ends: dict[str, Mapping[str, int | None]] = field(default_factory=dict, init=False)
    since: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        # No request in hand is older than the process.
        self.since.update({each.id: each.updated.at for each in self.register.objects.all(Kind.DELETED_FLOW)})

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(QueueUnavailable):
                await self.sweep()

    async def sweep(self) -> None:
        """Forget the flows of which nothing is left: the intake is applied beyond where they may be named.

        Raises:
            QueueUnavailable: nobody can say how far it is applied.
        """
        now, objects = self.now(), self.register.objects
        said = objects.get(Kind.INTAKE, self.intake)
        deleted = objects.all(Kind.DELETED_FLOW)
        for flow in self.since.keys() - {each.id for each in deleted}:
            self.ends.pop(flow, None)
            del self.since[flow]
        gone = frozenset(await self._gone(deleted, now))
        if gone or said is None or said.updated.at < now - SAY_MS:
            await self.register.change(lambda objects: Change(self._swept(objects, gone, now), found({})))

    async def _gone(self, deleted: Sequence[Resource], now: int) -> Sequence[str]:
        """Those of the flows that nothing in the intake can name any more, as far as that is not said already."""
        unsaid = [each.id for each in deleted if self.intake not in _passed(each)]
        old = [flow for flow in unsaid if self.since.setdefault(flow, now) < now - IN_HAND_MS]
        lanes = await self.positions() if old else ()
        gone = []
        for flow in old if lanes else ():
            ends = self.ends.setdefault(flow, {each.lane: each.end for each in lanes})
            # Of a lane that is new since then no record can name the flow.
            if all(_is_passed(each, ends[each.lane]) for each in lanes if each.lane in ends):
                gone.append(flow)
        return gone

    def _swept(self, objects: Objects, gone: frozenset[str], now: int) -> Objects:
        """The objects once it is said that there is this intake, and that nothing in it names the flows ``gone``."""
        before = objects.get(Kind.INTAKE, self.intake)
        if before is None or before.updated.at < now - SAY_MS:
            said = Origin(now)
            objects = objects.put(Resource(Kind.INTAKE, self.intake, {}, said, said, ""))
        intakes = set()
        for each in objects.all(Kind.INTAKE):
            if each.updated.at < now - FORGET_MS:
                objects = objects.without(Kind.INTAKE, each.id)
            else:
                intakes.add(each.id)
        for flow in objects.all(Kind.DELETED_FLOW):
            passed = {*_passed(flow), *([self.intake] if flow.id in gone else [])}
            if passed >= intakes:
                objects = objects.without(Kind.DELETED_FLOW, flow.id)
            elif flow.id in gone:
                objects = objects.put(replace(flow, fields={**flow.fields, PASSED: sorted(passed)}))
        return objects


def _passed(flow: Resource) -> Sequence[str]:
    passed: Sequence[str] = flow.fields.get(PASSED, ())
    return passed


def _is_passed(lane: Position, end: int | None) -> bool:
    return lane.lag == 0 or (end is not None and lane.settled_to >= end)
