"""Signals that end what may never end by itself: the input of a command, or what it watches."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def until_stopped() -> Iterator[None]:
    """Let SIGTERM end what is watched as Ctrl-C does: what was opened is closed, and it is no failure."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def ended_by_exception() -> Iterator[None]:
    """Let a signal that ends the process do so by an exception: what was begun is taken away first."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def first_interrupt(
    do: Callable[[], None], second: Callable[[int, FrameType | None], object] | None = None
) -> Iterator[None]:
    """Let the first Ctrl-C call ``do`` on the running loop.

    ``second`` hears the next one; None: whatever heard Ctrl-C before, which in ``asyncio.run`` cancels the work.
    """
    import asyncio

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
