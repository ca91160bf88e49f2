"""Tasks that must live: an end without a cancellation of the task is an error, which the task group hears.

A ``TaskGroup`` hears exceptions only. A task that returns, or out of which a cancellation from within comes (a library
cancelled a future that the task awaited), would be missing from then on, and nothing would tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


class EndedByItself(Exception):
    """A task that must live has ended; the text says which task, and how, and nothing of its data."""


def asked_to_end() -> bool:
    """Whether the current task was cancelled from outside; else a cancellation in the task came from within."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def must_live(what: str, begin: Callable[[], Coroutine[Any, Any, object]]) -> NoReturn:
    """Run the coroutine of ``begin`` until this task is cancelled. ``what`` names the work for people.

    Raises:
        EndedByItself: the coroutine returned, or was cancelled from within.
        Exception: an error of the coroutine.
    """
    await whole(what, begin)
    raise EndedByItself(f"{what} ended by itself")


async def whole(what: str, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of the coroutine of ``begin``, which may end by itself, but not by a cancellation from within.

    Raises:
        EndedByItself: the coroutine was cancelled from within.
        Exception: an error of the coroutine.
    """
    try:
        return await begin()
    except asyncio.CancelledError:
        if asked_to_end():
            raise
        raise EndedByItself(f"{what} was cancelled, and not by us") from None
