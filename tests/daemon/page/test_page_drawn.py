"""What was rendered a moment ago is shown again, and a look that waits keeps no other waiting."""

from __future__ import annotations

import asyncio

from exporter.daemon.ops.page.drawn import Drawn
from exporter.daemon.ops.page.sheets import Asked, Sheet


class Slow:
    """Has a sheet at each path; that of ``/slow`` comes once it may."""

    name = gain = ""
    read = 0

    def __init__(self) -> None:
        self.begun, self.may = asyncio.Event(), asyncio.Event()
        self.asked: list[str] = []

    async def sheet(self, asked: Asked) -> Sheet | None:
        self.asked.append(asked.path)
        self.begun.set()
        if asked.path == "/slow":
            await self.may.wait()
        self.read += 1
        return Sheet("missing.html", f"{asked.path} {self.read}", {"path": asked.path})


async def test_a_look_that_waits_keeps_no_other_waiting() -> None:
    sheets = Slow()
    drawn = Drawn(sheets)
    slow = [asyncio.create_task(drawn.sheet(Asked("/slow"))) for _ in range(3)]
    async with asyncio.timeout(60):
        quick = await drawn.sheet(Asked("/quick"))
        assert quick is not None
        assert quick.title == "/quick 1"
        assert sheets.asked.count("/slow") == 1
        sheets.may.set()
        assert {part.title for part in await asyncio.gather(*slow) if part is not None} == {"/slow 2"}
    assert drawn._looks == {}


async def test_after_an_action_nothing_of_before_is_shown_again() -> None:
    sheets = Slow()
    drawn = Drawn(sheets)
    look = asyncio.create_task(drawn.sheet(Asked("/slow")))
    async with asyncio.timeout(60):
        await sheets.begun.wait()
        drawn.forget()
        sheets.may.set()
        assert await look is not None
        for title in ("/slow 2", "/slow 2"):
            part = await drawn.sheet(Asked("/slow"))
            assert part is not None
            assert part.title == title
        drawn.forget()
        part = await drawn.sheet(Asked("/slow"))
        assert part is not None
        assert part.title == "/slow 3"
