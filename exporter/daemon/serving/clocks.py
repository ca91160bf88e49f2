"""Looks whether records get times that the clock has not reached, and tells it in the log."""

from __future__ import annotations

import asyncio
from typing import Final

from exporter.source.collection.stamps import Stamps
from exporter.telemetry.logs import Log

LOOK_SECONDS: Final = 1.0
#: A clock that is set by so little is none of anybody's concern.
AHEAD_MS: Final = 2000


class ClockWatch:
    """Tells ``log`` when the times of ``stamps`` run ahead of the clock, and when that is over. ``run`` does the work.

    Times never fall, so a clock that was far ahead, be it for a moment, leaves its mark until the time that it told.
    """

    def __init__(self, stamps: Stamps, log: Log) -> None:
        self._stamps = stamps
        self._log = log
        self._told = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Look once."""
        ahead = self._stamps.ahead_ms
        if not self._told and ahead > AHEAD_MS:
            self._told = True
            detail = "the clock is behind the time of the last record, and times never fall: records get that time"
            self._log.warning("clock behind", seconds=ahead / 1000, detail=detail)
        elif self._told and not ahead:
            self._told = False
            self._log.info("clock caught up", detail="records get the clock's time again")
