"""Deadlines that are judged when all that has arrived is read, and that a process which stood still is not held to.

An event loop that comes back from a stop runs the due timers, and only then looks at the sockets, in which the answer
may have waited all the time. What was still to be sent (the next message of a handshake, the request on a connection
that has just been made) was not asked before the stop, and needs time to be answered.
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

    A deadline that the event loop notices late, by half the time that there was or more, is put off once: by as much
    as it was late, and at most by the time that there was.

    Args:
        deadline: the event loop's seconds.
        last_word: called when the deadline has passed and all has been read; the body may still end by itself then.
    """
    loop = asyncio.get_running_loop()
    seconds = deadline - loop.time()
    async with asyncio.timeout(None) as limit:
        ended = False
        timer: asyncio.TimerHandle

        def due() -> None:
            nonlocal timer
            late = loop.time() - deadline
            if late < seconds / 2 or seconds <= 0:
                after_reading(loop, judge)
            else:
                timer = loop.call_at(loop.time() + min(late, seconds), after_reading, loop, judge)

        def cut() -> None:
            if not ended:
                limit.reschedule(loop.time())

        def judge() -> None:
            if not ended:
                last_word()
                after_reading(loop, cut)

        timer = loop.call_at(deadline, due)
        try:
            yield limit
        finally:
            ended = True
            timer.cancel()


def answered_within(seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
    """As ``asyncio.timeout``, for what waits for a socket."""
    return timeout_after_reading(asyncio.get_running_loop().time() + seconds)
