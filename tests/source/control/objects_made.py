"""The state of tests about objects: in memory, and away when told so."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.state.made_objects import MadeObject
from exporter.state.port import StateUnavailable


class InMemory:
    """``MadeObjects``; ``away``: the next writes fail."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], MadeObject] = {}
        self.away = False

    async def all(self) -> Sequence[MadeObject]:
        return list(self.kept.values())

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]]) -> None:
        if self.away:
            raise StateUnavailable("it is away")
        self.kept.update({(each.kind, each.id): each for each in put})
        for kind, name in deleted:
            del self.kept[kind, name]
