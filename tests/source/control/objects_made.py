"""The state of tests about objects: in memory, and away when told so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from exporter.state.made_objects import UNCHANGED, MadeObject, Revision
from exporter.state.port import StateUnavailable


class InMemory:
    """``MadeObjects``, for as many registers as there are; ``away``: it cannot be asked or written."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], MadeObject] = {}
        self.away = False
        self._numbers = count(1)
        self._revision = UNCHANGED

    async def revision(self) -> str:
        if self.away:
            raise StateUnavailable("it is away")
        return self._revision

    async def all(self) -> Revision:
        return Revision(self._revision, list(self.kept.values()))

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]], revision: str) -> str | None:
        if revision != await self.revision():
            return None
        self.kept.update({(each.kind, each.id): each for each in put})
        for kind, name in deleted:
            del self.kept[kind, name]
        self._revision = str(next(self._numbers))
        return self._revision

    def lose(self) -> None:
        """Forget all of it."""
        self.kept, self._revision = {}, UNCHANGED
