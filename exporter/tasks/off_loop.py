"""Runs what reads files in a thread, so that a slow disk keeps no export waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What ``call`` returns. Where the system has no thread left it runs here: late is better than not at all.

    It may then run twice, so it is to do nothing but read.
    """
    try:
        return await asyncio.to_thread(call, *arguments, **named)
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        return call(*arguments, **named)
