"""When one subscription commits: soon after something has settled, and again while that does not work."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from exporter.queues.kafka.keeping import AGAIN_FIRST_SECONDS, AGAIN_MOST_SECONDS, Keeper
from exporter.queues.port import COMMIT_MESSAGES, QueueUnavailable


class Commits:
    """Commits through ``keeper``, at most so many seconds after the first that settled."""

    def __init__(self, keeper: Keeper, seconds: float) -> None:
        self._keeper = keeper
        self._seconds = seconds
        self._some = asyncio.Event()  # something has settled
        self._many = asyncio.Event()
        self._settled = 0

    def settled(self) -> None:
        """One more."""
        self._settled += 1
        self._some.set()
        if self._settled >= COMMIT_MESSAGES:
            self._many.set()

    async def run(self) -> None:
        """Commit what has settled, soon after the first and at the latest after 500, until cancelled."""
        again = AGAIN_FIRST_SECONDS
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._many.wait()
            self._settled = 0
            self._some.clear()
            self._many.clear()
            try:
                await self._keeper.commit()
            except QueueUnavailable as error:
                self._keeper.failed(str(error))
                self._some.set()
                await asyncio.sleep(again)
                again = min(2 * again, AGAIN_MOST_SECONDS)
            else:
                again = AGAIN_FIRST_SECONDS
