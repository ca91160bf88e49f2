"""How ``exporter run`` and ``serve`` take signals: before anything has begun, while they run, and not at the end.

Imports little, so that ``expect`` can be called as early as can be.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def expect() -> None:
    """Let SIGTERM and SIGINT end the process with 0 from now on, and hold SIGHUP back until ``heard`` is entered.

    The configuration may have been loaded already when SIGHUP comes, so the signal must not be lost.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


@contextmanager
def heard(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Have the running event loop call ``handlers`` while entered, also for a SIGHUP that came before; then ``ignore``.

    ``handlers`` are those of the daemon, or of the parent of several, and has one for SIGHUP.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        ignore(loop, handlers)


def ignore(loop: asyncio.AbstractEventLoop, numbers: Iterable[signal.Signals]) -> None:
    """Let none of these signals, for which the event loop has handlers, end the process from here on.

    A late signal would turn a clean end into a killed process.
    """
    import asyncio

    for number in numbers:
        # The handler is replaced in one step: removing the handler first would leave the default for a moment, and
        # blocking the signal for so long would not help, since other threads would get the signal.
        signal.signal(number, signal.SIG_IGN)
        if isinstance(loop, asyncio.BaseEventLoop):
            # asyncio's own loop (uvloop's is none) restores the default when the loop is closed, if not here. With
            # asyncio's loop the moment stays, since asyncio has no other way to give a handler up.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


def _end(_number: int, _frame: object) -> None:
    # Nothing was opened, so nothing is to be closed; a module that is being imported might catch an exception.
    os._exit(0)
