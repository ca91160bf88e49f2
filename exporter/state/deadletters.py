"""The dead letters of all destinations, for the command and for all dataflows of a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exporter.state.group_letters import StoredLettersOf
from exporter.state.letter import Filter, Letter, Summary
from exporter.state.overview import POLL_SECONDS, StoreOverview
from exporter.state.port import Asked, Progress
from exporter.state.store import LetterStore


class StoredDeadLetters:
    """``DeadLetters`` in an open store; other processes may have the store open too."""

    def __init__(self, store: LetterStore, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._overview = StoreOverview(store, poll_seconds)

    def of(self, destination: str, group: str, max_bytes: int) -> StoredLettersOf:
        """See ``DeadLetters.of``."""
        return StoredLettersOf(self._overview, self._store, destination, group, max_bytes)

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
        here, purged, excluded = (
            frozenset(letter_id for letter_id, replay in replays.items() if replay == what)
            for what in ("none", "purged", "excluded")
        )
        return Progress(frozenset(replays) - here - purged - excluded, here, purged, excluded)

    async def purge(self, which: Filter) -> int:
        """See ``DeadLetters.purge``."""
        return await self._store.purge(which)
