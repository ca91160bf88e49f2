"""What signals mean to ``exporter run`` once all that it ran has ended: nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable


def ignore(loop: asyncio.AbstractEventLoop, numbers: Iterable[signal.Signals]) -> None:
    """Let none of these signals, for which the event loop has handlers, end the process from here on.

    It would turn a clean end into a killed process.
    """
    for number in numbers:
        # At once in place of the handler: to take that away first would leave the default for a moment, and blocking
        # the signal for so long would not help, since other threads would get it.
        signal.signal(number, signal.SIG_IGN)
        if isinstance(loop, asyncio.BaseEventLoop):
            # asyncio's own loop (uvloop's is none) brings the default back when it is closed, if not here. For that
            # one the moment stays: it has no other way to give a handler up.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
