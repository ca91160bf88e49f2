"""Work that an end cuts short, and work that it does not."""

from __future__ import annotations

import asyncio

import pytest

from exporter.tasks.ending import Ending


async def seven() -> int:
    return 7


async def test_work_that_is_done_in_time_has_its_result() -> None:
    assert await Ending().unless_asked(seven()) == 7


async def test_work_that_waits_is_cut_short() -> None:
    ending = Ending()
    asyncio.get_running_loop().call_soon(ending.set)
    assert await ending.unless_asked(asyncio.Event().wait()) is None
    assert ending.is_set()


async def test_after_the_end_no_work_begins() -> None:
    ending = Ending()
    ending.set()
    assert await ending.unless_asked(seven()) is None


async def test_a_timeout_of_the_work_itself_comes_through() -> None:
    async def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Ending().unless_asked(late())
