"""What signals mean to ``exporter run`` once all that it ran has ended: nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection


def ignore(loop: asyncio.AbstractEventLoop, numbers: Collection[signal.Signals]) -> None:
    """Take these signals' handlers from the event loop, and let none that comes from here on end the process.

    It would turn a clean end into a killed process. A handler that is taken away leaves the default behind, so for
    that moment they are blocked; what comes then is dropped when it is ignored (POSIX.1-2017, XSH 2.4.1).
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
