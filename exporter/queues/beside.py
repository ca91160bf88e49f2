"""Tasks that a queue needs for as long as it is used: none of them ends without somebody hearing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

#: Before work that failed begins anew.
ANEW_SECONDS = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Ended(Exception):
    """Work that goes on until it is cancelled has ended though nobody cancelled it."""


@asynccontextmanager
async def beside(*work: Work) -> AsyncIterator[None]:
    """Run ``work`` until the body ends, whose error comes through as it is.

    However ``work`` ends before that, it cancels the body, and what comes out says why: an error of its own, or Ended.
    Whoever enters must also be the one who leaves, or else nobody would hear.
    """
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_lived(each)) for each in work]
        try:
            yield
        except BaseException as error:
            failure = error
        for task in running:
            task.cancel()
    if failure is not None:
        raise failure


async def for_ever(work: Work, warn: Callable[[str], None]) -> None:
    """Run ``work`` until cancelled; where it ends by a fault, that is said, and it begins anew.

    For work that needs nothing but itself, and whose failure nobody waits for.
    """
    while True:
        try:
            await _lived(work)
        except Exception as error:
            warn(f"{work.__qualname__} has failed, which is a fault of the exporter ({type(error).__name__}): again")
        await asyncio.sleep(ANEW_SECONDS)


async def _lived(work: Work) -> None:
    """Raises Ended where ``work`` returns, or is cancelled by somebody who is not cancelling us."""
    try:
        await work()
    except asyncio.CancelledError:
        if cancelled():
            raise
    raise Ended(work.__qualname__)


def cancelled() -> bool:
    """Whether the cancellation that was just caught is meant for us: libraries let those of their own tasks out."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
