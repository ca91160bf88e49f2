"""Follows what other processes on the same state make: by itself, and before a request is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from exporter.source.control.objects.register import Register
from exporter.state.port import StateUnavailable

LOOK_SECONDS: Final = 1.0


@dataclass(slots=True)
class Following:
    """Looks whether others have changed objects of the register. ``run`` does the work."""

    register: Register
    _is_away: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def before_an_answer(self) -> None:
        """Whatever was answered by any process before is in force here.

        Not while the state is away: then nobody can change anything, and no request waits for it.
        """
        if not self._is_away:
            await self._look()

    async def _look(self) -> None:
        try:
            await self.register.follow()
        except StateUnavailable:
            self._is_away = True  # the look for hindrances says so
        else:
            self._is_away = False
