"""Runs calls that read files in a thread, so that a slow disk keeps no export waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The result of ``call``. Where the system has no thread left ``call`` runs here: late is better than not at all.

    ``call`` may then run twice, and so must do nothing but read.
    """
    try:
        return await asyncio.to_thread(call, *arguments, **named)
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        return call(*arguments, **named)
