"""Lets flows that were deleted by API go for good, once no record in the intake can name them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from exporter.queues.port import Position, QueueUnavailable
from exporter.source.control.answers import found
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Register
from exporter.source.control.objects.resource import Kind

#: After that many milliseconds no request is in hand that was let in before its flow was deleted.
IN_HAND_MS: Final = 120_000
_LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Looks after deleted flows. ``run`` does the work.

    Attributes:
        register: the objects.
        positions: how far the intake is applied, lane by lane. Raises QueueUnavailable.
        now: epoch milliseconds.
        ends: of the intake's lanes after the last request that may name a flow, by the flow, as far as lanes tell one.
    """

    register: Register
    positions: Callable[[], Awaitable[Sequence[Position]]]
    now: Callable[[], int]
    ends: dict[str, Mapping[str, int | None]] = field(default_factory=dict, init=False)

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
        latest = self.now() - IN_HAND_MS
        old = [each.id for each in self.register.objects.all(Kind.DELETED_FLOW) if each.updated.at < latest]
        lanes = await self.positions() if old else ()
        if not lanes:
            return
        gone = []
        for flow in old:
            ends = self.ends.setdefault(flow, {each.lane: each.end for each in lanes})
            # Of a lane that is new since then no record can name the flow.
            if all(_is_passed(each, ends[each.lane]) for each in lanes if each.lane in ends):
                gone.append(flow)
                del self.ends[flow]
        if gone:
            await self.register.change(lambda objects: Change(_without(objects, gone), found({})))


def _is_passed(lane: Position, end: int | None) -> bool:
    return lane.lag == 0 or (end is not None and lane.settled_to >= end)


def _without(objects: Objects, flows: list[str]) -> Objects:
    for flow in flows:
        objects = objects.without(Kind.DELETED_FLOW, flow)
    return objects
