"""Tasks that must live: whatever ends one of them unasked is heard by its group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from exporter.tasks.lifetimes import EndedByItself, must_live, whole


async def _returns() -> None: ...


async def _cancelled() -> None:
    raise asyncio.CancelledError


async def _fails() -> None:
    raise LookupError


async def _lives() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("begin", "heard"),
    [(_returns, EndedByItself), (_cancelled, EndedByItself), (_fails, LookupError)],
)
async def test_a_group_hears_of_every_end(
    begin: Callable[[], Coroutine[Any, Any, None]], heard: type[Exception]
) -> None:
    with pytest.RaisesGroup(heard):
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(must_live("it", begin))
            await asyncio.Event().wait()


async def test_who_cancels_it_ends_it_quietly() -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        living = tasks.create_task(must_live("it", _lives))
        await asyncio.sleep(0)
        living.cancel()
    assert living.cancelled()


async def test_what_may_end_may_not_be_cancelled_by_nobody() -> None:
    await whole("it", _returns)
    with pytest.raises(EndedByItself, match="it was cancelled, and not by us"):
        await whole("it", _cancelled)
