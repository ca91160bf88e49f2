"""The dead letters of all destinations: what the command asks, and what all dataflows of a process share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exporter.state.letter import Filter, Letter, Summary
from exporter.state.letters_of import StoredLettersOf
from exporter.state.port import Asked, Progress, StateUnavailable
from exporter.state.store import LetterStore, Totals

#: How old an answer from memory may be: what the command changed shows after that.
POLL_SECONDS: Final = 0.2


class StoredDeadLetters:
    """``DeadLetters`` in an open store; other processes may have it open too."""

    def __init__(self, store: LetterStore, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._poll_seconds = poll_seconds
        self._polled_at = float("-inf")
        self._looking = asyncio.Lock()
        self._failure: str | None = None
        self._totals: dict[str, Totals] = {}
        self._asked: frozenset[str] = frozenset()
        self.newest = 0  # the highest id when the store was last looked at

    def of(self, destination: str, group: str, max_bytes: int) -> StoredLettersOf:
        """One dataflow's view; its letters take at most ``max_bytes``."""
        return StoredLettersOf(self, self._store, destination, group, max_bytes)

    async def page(self, which: Filter, *, after: int, limit: int) -> Sequence[Summary]:
        """See ``DeadLetters.page``."""
        return await self._store.page(which, after, limit)

    async def letter(self, letter_id: int) -> Letter | None:
        """See ``DeadLetters.letter``."""
        return await self._store.letter(letter_id)

    async def count(self, which: Filter) -> int:
        """See ``DeadLetters.count``."""
        return await self._store.count(which)

    async def ask(self, which: Filter, *, superseded: bool) -> Asked:
        """See ``DeadLetters.ask``."""
        current = which if superseded else replace(which, superseded=False)
        left_out = 0 if superseded else await self.count(replace(which, superseded=True))
        return Asked(await self._store.ask(current, superseded=superseded), left_out)

    async def progress(self, ids: Sequence[int]) -> Progress:
        """See ``DeadLetters.progress``."""
        replays = await self._store.replays(ids)
        purged = frozenset(letter_id for letter_id, replay in replays.items() if replay == "purged")
        here = frozenset(letter_id for letter_id, replay in replays.items() if replay == "none")
        return Progress(frozenset(replays) - here - purged, here, purged)

    async def purge(self, which: Filter) -> int:
        """See ``DeadLetters.purge``."""
        return await self._store.purge(which)

    async def asked_of(self, destination: str) -> bool:
        """Whether a replay waits for ``destination``, as of at most ``POLL_SECONDS`` ago: one look serves them all.

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
        """Letters and bytes of ``destination``, as far as this process knows."""
        return self._totals.get(destination, Totals())

    def learn(self, destination: str, totals: Totals) -> None:
        """Note what a call has just seen."""
        self._totals[destination] = totals
