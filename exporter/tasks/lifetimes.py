"""Tasks that must live: an end that nobody asked for is an error, which the group that they run in hears.

A ``TaskGroup`` hears exceptions only. A task that returns, or out of which a cancellation comes that is not ours (a
library cancelled what it waited for), would be missing from then on, and nothing would tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


class EndedByItself(Exception):
    """A task that must live has ended; says which, and how. Free of what it worked on."""


def asked_to_end() -> bool:
    """Whether somebody cancelled the task that runs now; else a cancellation in it came from within."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def must_live(what: str, begin: Callable[[], Coroutine[Any, Any, object]]) -> NoReturn:
    """Run what ``begin`` gives until this task is cancelled. ``what`` names it for people.

    Raises:
        EndedByItself: it returned, or was cancelled by nobody.
        Exception: what it raised.
    """
    await whole(what, begin)
    raise EndedByItself(f"{what} ended by itself")


async def whole(what: str, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What ``begin`` comes to, which may end by itself, but not by a cancellation that is not ours.

    Raises:
        EndedByItself: it was cancelled by nobody.
        Exception: what it raised.
    """
    try:
        return await begin()
    except asyncio.CancelledError:
        if asked_to_end():
            raise
        raise EndedByItself(f"{what} was cancelled, and not by us") from None
