"""How ``exporter run`` takes signals once the daemon has ended: not at all."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable


def ignore(loop: asyncio.AbstractEventLoop, numbers: Iterable[signal.Signals]) -> None:
    """Let none of these signals, for which the event loop has handlers, end the process from here on.

    A late signal would turn a clean end into a killed process.
    """
    for number in numbers:
        # The handler is replaced in one step: removing the handler first would leave the default for a moment, and
        # blocking the signal for so long would not help, since other threads would get the signal.
        signal.signal(number, signal.SIG_IGN)
        if isinstance(loop, asyncio.BaseEventLoop):
            # asyncio's own loop (uvloop's is none) restores the default when the loop is closed, if not here. With
            # asyncio's loop the moment stays, since asyncio has no other way to give a handler up.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
