"""What was rendered a moment ago: many who look at once cost what one does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.daemon.ops.page.sheets import Asked, Sheet, Sheets
from exporter.tasks.off_loop import off_loop

if TYPE_CHECKING:
    from exporter.daemon.ops.page.rendering import Rendering

#: How long a rendered sheet is shown again, in seconds; and how many there are at most.
KEPT_SECONDS: Final = 1.0
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A rendered sheet: markup, and the document's title."""

    title: str
    text: str


class Drawn:
    """Renders ``sheets``, one at a time and in a thread: exports go on meanwhile.

    The library that renders is loaded when somebody looks for the first time.
    """

    def __init__(self, sheets: Sheets) -> None:
        self._sheets = sheets
        self._rendering: Rendering | None = None
        self._parts: dict[object, tuple[float, Part]] = {}
        self._actions = 0
        self._looks: dict[object, asyncio.Lock] = {}
        self._one_at_a_time = asyncio.Lock()

    async def sheet(self, asked: Asked) -> Part | None:
        """A sheet as it is, or was a second ago; None where there is none."""
        key = (asked.path, tuple(sorted(asked.query.items())), asked.signed_in)
        # Of each sheet one look at a time; one that waits for the state keeps no other sheet waiting.
        look = self._looks.setdefault(key, asyncio.Lock())
        try:
            async with look:
                return await self._now(key, asked)
        finally:
            if not look.locked():
                self._looks.pop(key, None)

    async def _now(self, key: object, asked: Asked) -> Part | None:
        now, actions = asyncio.get_running_loop().time(), self._actions
        if key in self._parts and now - self._parts[key][0] < KEPT_SECONDS:
            return self._parts[key][1]
        sheet = await self._sheets.sheet(asked)
        if sheet is None:
            return None
        part = Part(sheet.title, await self.part(sheet))
        self._parts = {each: kept for each, kept in self._parts.items() if now - kept[0] < KEPT_SECONDS}
        if len(self._parts) < _MOST and actions == self._actions:
            # Of the end: a sheet that takes long is shared, too, by those who have waited for it.
            self._parts[key] = asyncio.get_running_loop().time(), part
        return part

    def forget(self) -> None:
        """What is shown next is anew, and read from now on: something was done."""
        self._actions += 1
        self._parts.clear()

    async def part(self, sheet: Sheet) -> str:
        """The markup of a sheet."""
        rendering = await self._loaded()
        async with self._one_at_a_time:
            return await off_loop(rendering.part, sheet)

    async def document(self, title: str, part: str, values: Mapping[str, Any]) -> str:
        """A whole document."""
        return (await self._loaded()).document(title, part, values)

    async def asset(self, name: str) -> tuple[bytes, str] | None:
        """A file of the page, and its type; None where there is none."""
        from exporter.daemon.ops.page.rendering import ASSETS

        kind = ASSETS.get(name)
        return None if kind is None else ((await self._loaded()).assets[name], kind)

    async def _loaded(self) -> Rendering:
        if self._rendering is None:
            self._rendering = await off_loop(_load)
        return self._rendering


def _load() -> Rendering:
    from exporter.daemon.ops.page.rendering import Rendering

    return Rendering()
