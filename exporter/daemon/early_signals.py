"""What signals mean to ``exporter run`` while it imports, loads and has not begun anything yet."""

from __future__ import annotations

import os
import signal


def expect() -> None:
    """SIGTERM and SIGINT end the process with 0 from now on; SIGHUP waits until ``heard`` is called.

    For the daemon, or the parent of several, to replace by its own handlers. The configuration may have been loaded
    already when SIGHUP comes, so that wish is not to be forgotten.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def heard() -> None:
    """SIGHUP has its handler now: one that came before is delivered."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _end(_number: int, _frame: object) -> None:
    # Nothing was opened, so nothing is to be closed; an exception might be caught by whatever is being imported.
    os._exit(0)
