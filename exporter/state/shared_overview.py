"""What the store of dead letters held at the last look of a process: a look serves all dataflows."""

from __future__ import annotations

import asyncio
from typing import Final

from exporter.state.port import LetterStore, StateUnavailable, Totals

#: How old an answer from memory may be, in seconds: changes by the command show after that.
POLL_SECONDS: Final = 0.2


class SharedOverview:
    """The totals of each destination, and the destinations with a waiting replay; other processes may change both."""

    def __init__(self, store: LetterStore, poll_seconds: float) -> None:
        self._store = store
        self._poll_seconds = poll_seconds
        self._polled_at = float("-inf")
        self._looking = asyncio.Lock()
        self._failure: str | None = None
        self._totals: dict[str, Totals] = {}
        self._asked: frozenset[str] = frozenset()
        self.newest = 0  # the highest id when the store was last looked at

    async def asked_of(self, destination: str) -> bool:
        """Whether a replay waits for ``destination``, as of at most ``POLL_SECONDS`` ago.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if now - self._polled_at >= self._poll_seconds:
                self._polled_at = now
                await self._look()
        if self._failure is not None:
            raise StateUnavailable(self._failure)
        return destination in self._asked

    async def _look(self) -> None:
        try:
            seen = await self._store.overview()
        except StateUnavailable as error:
            self._failure = error.reason
            return
        self._failure = None
        self._totals, self._asked, self.newest = dict(seen.totals), seen.asked, seen.newest

    def totals_of(self, destination: str) -> Totals:
        """Letters and bytes of ``destination``, as far as the process knows."""
        return self._totals.get(destination, Totals())

    def learn(self, destination: str, totals: Totals) -> None:
        """Note the totals that a call has just returned."""
        self._totals[destination] = totals
