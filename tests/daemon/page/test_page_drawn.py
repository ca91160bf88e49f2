"""What was rendered a moment ago is shown again, and a look that waits keeps no other waiting."""

from __future__ import annotations

import asyncio

from exporter.daemon.ops.page.drawn import Drawn
from exporter.daemon.ops.page.sheets import Asked, Sheet


class Slow:
    """Has a sheet at each path; that of ``/slow`` comes once it may."""

    name = gain = ""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked: list[str] = []

    async def sheet(self, asked: Asked) -> Sheet | None:
        self.asked.append(asked.path)
        if asked.path == "/slow":
            await self.may.wait()
        return Sheet("missing.html", asked.path, {"path": asked.path})


async def test_a_look_that_waits_keeps_no_other_waiting() -> None:
    sheets = Slow()
    drawn = Drawn(sheets)
    slow = [asyncio.create_task(drawn.sheet(Asked("/slow"))) for _ in range(3)]
    async with asyncio.timeout(60):
        quick = await drawn.sheet(Asked("/quick"))
        assert quick is not None
        assert quick.title == "/quick"
        assert sheets.asked.count("/slow") == 1
        sheets.may.set()
        assert {part.title for part in await asyncio.gather(*slow) if part is not None} == {"/slow"}
    assert drawn._looks == {}
