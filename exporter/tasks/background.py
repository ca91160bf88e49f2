"""Work that lives beside the body of an ``async with`` and never ends unheard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from exporter.tasks.lifetimes import must_live

#: The wait before failed work begins anew.
ANEW_SECONDS = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def group() -> AsyncIterator[asyncio.TaskGroup]:
    """A ``TaskGroup`` that lets an error of the body through as it is, not wrapped in an ``ExceptionGroup``."""
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield tasks
        except BaseException as error:
            failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def in_background(*work: Work) -> AsyncIterator[None]:
    """Run ``work`` until the body ends; an error of the body comes through as it is.

    Where any ``work`` ends earlier, the body is cancelled, and an ``ExceptionGroup`` says why: with the error that
    ``work`` raised, or ``EndedByItself``. The task that enters must also leave, or the end would go unheard.
    """
    async with group() as tasks:
        running = [tasks.create_task(must_live(_name(each), each)) for each in work]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


async def for_ever(work: Work, warn: Callable[[str], None]) -> None:
    """Run ``work`` until cancelled; where ``work`` ends, ``warn`` is told of the fault, and ``work`` begins anew.

    For independent work whose failure no caller waits for.
    """
    while True:
        try:
            await must_live(_name(work), work)
        except Exception as error:
            warn(f"{_name(work)} has failed, which is a fault of the exporter ({type(error).__name__}): again")
        await asyncio.sleep(ANEW_SECONDS)


def _name(work: Work) -> str:
    """The name for people of ``work``, a function or a ``partial`` of a function."""
    return str(getattr(getattr(work, "func", work), "__qualname__", "work"))
