"""Waits that somebody may cut short."""

from __future__ import annotations

import asyncio

from exporter.tasks.hurry import Hurry


async def test_a_wait_ends_by_itself() -> None:
    await Hurry().sleep(0.001)


async def test_all_waits_end_at_once_and_later_ones_do_not() -> None:
    hurry = Hurry()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(hurry.sleep(3600))
        await asyncio.sleep(0)
        hurry.now()
    later = asyncio.ensure_future(hurry.sleep(3600))
    await asyncio.sleep(0.01)
    assert not later.done()
    later.cancel()


async def test_a_time_out_around_the_wait_comes_through() -> None:
    try:
        async with asyncio.timeout(0.01):
            await Hurry().sleep(3600)
    except TimeoutError:
        return
    raise AssertionError("the time-out of the caller was swallowed")
