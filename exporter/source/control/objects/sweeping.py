"""Lets flows that were deleted by API go for good, once no record in the intake can name them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

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
        waiting: how many records wait in the intake; None: not known.
        now: epoch milliseconds.
    """

    register: Register
    waiting: Callable[[], int | None]
    now: Callable[[], int]

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Forget the flows of which nothing is left: the intake was empty after the last request that may name them."""
        latest = self.now() - IN_HAND_MS
        old = [each.id for each in self.register.objects.all(Kind.DELETED_FLOW) if each.updated.at < latest]
        if old and self.waiting() == 0:
            await self.register.change(lambda objects: Change(_without(objects, old), found({})))


def _without(objects: Objects, flows: list[str]) -> Objects:
    for flow in flows:
        objects = objects.without(Kind.DELETED_FLOW, flow)
    return objects
