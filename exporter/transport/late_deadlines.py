"""Deadlines that are judged when all that has arrived is read: after a stop, timers are due before anything is read.

An event loop that comes back from a stop runs the due timers, and only then looks at the sockets, in which the answer
may have waited all the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

#: Turns of the event loop: to look at the sockets, to wake the tasks that wait for bytes, and to let the tasks go on.
TURNS = 4


def after_reading(loop: asyncio.AbstractEventLoop, judge: Callable[[], None], turns: int = TURNS) -> None:
    """Call ``judge`` when the event loop has read all that has arrived by now."""
    if turns:
        loop.call_soon(after_reading, loop, judge, turns - 1)
    else:
        judge()


@asynccontextmanager
async def timeout_after_reading(
    deadline: float, last_word: Callable[[], None] = lambda: None
) -> AsyncIterator[asyncio.Timeout]:
    """As ``asyncio.timeout_at``, for a body that waits for a socket.

    Args:
        deadline: the event loop's seconds.
        last_word: called when the deadline has passed and all has been read; the body may still end by itself then.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:

        def cut() -> None:
            if not ended:
                limit.reschedule(loop.time())

        def judge() -> None:
            if not ended:
                last_word()
                after_reading(loop, cut)

        ended = False
        timer = loop.call_at(deadline, after_reading, loop, judge)
        try:
            yield limit
        finally:
            ended = True
            timer.cancel()


def answered_within(seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
    """As ``asyncio.timeout``, for what waits for a socket."""
    return timeout_after_reading(asyncio.get_running_loop().time() + seconds)
