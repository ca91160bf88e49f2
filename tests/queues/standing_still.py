"""An event loop that stands still past its deadlines, as under SIGSTOP, while a real broker's answer comes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: The deadline of what is asked, to be set by the test.
SECONDS = 0.5


async def answered_meanwhile(pid: int, asking: Coroutine[Any, Any, T]) -> T:
    """What comes of ``asking``: the broker stops before it is asked, and answers while the loop stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = asyncio.ensure_future(asking)
        await asyncio.sleep(SECONDS / 2)  # the question goes out
    finally:
        os.kill(pid, signal.SIGCONT)
    time.sleep(4 * SECONDS)  # noqa: ASYNC251 - that is what standing still is
    return await asked
