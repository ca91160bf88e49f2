"""What a worker hears of its parent: that it is to stop at once, or that the parent is gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def parent_heard(parent: int | None, cut: Callable[[], None], gone: Callable[[], None]) -> Iterator[None]:
    """Within the context, call ``cut`` for a byte from the pipe ``parent``, and ``gone`` at its end.

    Nothing is called where ``parent`` is None: the process is no worker.
    """
    if parent is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def hear(pipe: int) -> None:
        if os.read(pipe, 1):
            cut()
            return
        loop.remove_reader(pipe)
        gone()

    loop.add_reader(parent, hear, parent)
    try:
        yield
    finally:
        loop.remove_reader(parent)


def parent_of(parent: int | None) -> int | None:
    """The id of the process at the other end of the pipe ``parent``; None where that is None."""
    return None if parent is None else os.getppid()
