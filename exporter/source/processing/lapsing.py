"""Lets memberships without news leave their segments: a look at all profiles, some at a time, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from exporter.queues.port import Lag
from exporter.source.collection.stamps import Stamps
from exporter.source.processing.processor import TAKEN
from exporter.source.profiles.port import ProfileStore, ProfilesUnavailable

#: Profiles of one transaction, and the pause after each, so that records go on meanwhile.
_PROFILES = 500
_PAUSE_SECONDS = 0.05
#: How often a look begins: a tenth of the time to live, within these.
_OFTEN_SECONDS = 1.0
_SELDOM_SECONDS = 3600.0


@dataclass(slots=True)
class Lapsing:
    """Sweeps the profiles of ``store``. ``run`` does the work.

    Attributes:
        store: the profiles.
        ttl_ms: milliseconds after which a membership without news leaves.
        stamps: names the events, and tells the time where nothing waits in the intake.
        lag: what waits in the intake.
        max_event_bytes: a larger event is not told.
        outbox_max: bytes of events that wait to be told, beyond which a sweep waits.
        told: is told of the number of profiles that a transaction changed.
        delay: the seconds before try n of a store that is away, n from 0.
    """

    store: ProfileStore
    ttl_ms: int
    stamps: Stamps
    lag: Callable[[], Lag]
    max_event_bytes: int
    outbox_max: int
    told: Callable[[int], None]
    delay: Callable[[int], float]

    async def run(self) -> None:
        """Sweep until cancelled."""
        pause = min(max(self.ttl_ms / 10_000, _OFTEN_SECONDS), _SELDOM_SECONDS)
        while True:
            await self._sweep()
            await asyncio.sleep(pause)

    async def _sweep(self) -> None:
        """One look at all profiles."""
        after: int | None = 0
        failures = 0
        while after is not None:
            try:
                if (await self.store.counts()).outbox_bytes <= self.outbox_max:
                    after = await self._step(after)
                failures = 0
            except ProfilesUnavailable:  # the processor says so
                await asyncio.sleep(self.delay(failures))
                failures += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _step(self, after: int) -> int | None:
        stamp = self.stamps.next()
        at = stamp.ms
        if self.lag().messages != 0:
            # News that wait in the intake are older than now: nothing is over before they are applied.
            at = (await self.store.counters(TAKEN)).get(TAKEN, 0)
        swept = await self.store.lapse(self.ttl_ms, stamp.name, at, self.max_event_bytes, after, _PROFILES)
        if swept.changed:
            self.told(swept.changed)
        return swept.next
