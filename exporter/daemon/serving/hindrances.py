"""Looks whether the state is there, and tells in the log what keeps a serving process from its work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from exporter.daemon.serving.now import Now
from exporter.state.interventions import Interventions
from exporter.state.port import StateUnavailable
from exporter.telemetry.logs import Log

LOOK_SECONDS: Final = 1.0
#: A hindrance is over when so many looks in a row found none: one that comes and goes is one.
_FREE_LOOKS: Final = 3


class Hindrances:
    """What hinders ``now``, told to ``log`` when it begins, changes and ends. ``run`` does the work.

    The state is asked for ``interventions``, the least that it can be asked for: it is missed before a bad record needs
    it.
    """

    def __init__(self, now: Now, interventions: Interventions, log: Log) -> None:
        self._now = now
        self._interventions = interventions
        self._log = log
        self._told: dict[str, str] = {}
        self._free: dict[str, int] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._now.state = await self._state()
            self._tell(self._now.hindrances())

    async def _state(self) -> str | None:
        try:
            await self._interventions.all()
        except StateUnavailable as error:
            return error.reason
        return None

    def _tell(self, hindrances: Mapping[str, str]) -> None:
        for what, reason in hindrances.items():
            self._free[what] = 0
            if self._told.get(what) != reason:
                self._told[what] = reason
                self._log.warning("waiting", reason=what, detail=reason)
        for what in self._told.keys() - hindrances.keys():
            self._free[what] += 1
            if self._free[what] == _FREE_LOOKS:
                del self._told[what]
                self._log.info("goes on", reason=what)
