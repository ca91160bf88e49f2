"""Ctrl-C in a command that reads what may never end: the first ends the input, the second the command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def first_interrupt(
    do: Callable[[], None], second: Callable[[int, FrameType | None], object] | None = None
) -> Iterator[None]:
    """Let the first Ctrl-C call ``do`` on the running loop.

    ``second`` hears the next one; None: whatever heard Ctrl-C before, which in ``asyncio.run`` cancels the work.
    """
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:  # as a shell has it for a command in the background
        yield
        return
    loop = asyncio.get_running_loop()

    def interrupt(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, second or before)
        loop.call_soon_threadsafe(do)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
