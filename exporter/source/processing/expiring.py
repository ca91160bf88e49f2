"""Lets go what was kept for its time: records of time series, and what is counted of all records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from exporter.source.profiles.port import ProfileStore, ProfilesUnavailable
from exporter.source.profiles.tally import RUNS_KEPT_MS

#: Records of one transaction, and the pause after each, so that other records go on meanwhile.
_RECORDS = 500
_PAUSE_SECONDS = 0.05
#: How often what is too old is looked for.
_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Expiring:
    """Looks after the records of time series in ``store``, and what is counted there. ``run`` does the work.

    Attributes:
        store: the profiles.
        keep_ms: milliseconds for which a record of a time series is kept; 0: those that an earlier configuration has
            kept go, too.
        now: epoch milliseconds.
        delay: the seconds before try n of a store that is away, n from 0.
    """

    store: ProfileStore
    keep_ms: int
    now: Callable[[], int]
    delay: Callable[[int], float]

    async def run(self) -> None:
        """Forget what is too old, until cancelled."""
        failures = 0
        while True:
            try:
                now = self.now()
                dropped = await self.store.drop_time_series(now - self.keep_ms, _RECORDS)
                dropped += await self.store.drop_runs(now - RUNS_KEPT_MS, _RECORDS)
            except ProfilesUnavailable:  # the processor says so
                await asyncio.sleep(self.delay(failures))
                failures += 1
            else:
                failures = 0
                await asyncio.sleep(_PAUSE_SECONDS if dropped else _LOOK_SECONDS)
