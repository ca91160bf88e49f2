"""Work that lives beside the body of an ``async with``: none of it ends without somebody hearing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from exporter.tasks.lifetimes import must_live

#: Before work that failed begins anew.
ANEW_SECONDS = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def group() -> AsyncIterator[asyncio.TaskGroup]:
    """A ``TaskGroup`` that lets an error of the body through as it is, not wrapped in an ExceptionGroup."""
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield tasks
        except BaseException as error:
            failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def beside(*work: Work) -> AsyncIterator[None]:
    """Run ``work`` until the body ends, whose error comes through as it is.

    However ``work`` ends before that, the body is cancelled, and the error that comes out says why: one that ``work``
    raised, or EndedByItself. The task that enters must also leave, or else nobody would hear.
    """
    async with group() as tasks:
        running = [tasks.create_task(must_live(_name(each), each)) for each in work]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


async def for_ever(work: Work, warn: Callable[[str], None]) -> None:
    """Run ``work`` until cancelled; where ``work`` ends by a fault, ``warn`` is told, and it begins anew.

    For work that needs nothing but itself, and whose failure nobody waits for.
    """
    while True:
        try:
            await must_live(_name(work), work)
        except Exception as error:
            warn(f"{_name(work)} has failed, which is a fault of the exporter ({type(error).__name__}): again")
        await asyncio.sleep(ANEW_SECONDS)


def _name(work: Work) -> str:
    """What people are told of ``work``, a function or a ``partial`` of one."""
    return str(getattr(getattr(work, "func", work), "__qualname__", "work"))
