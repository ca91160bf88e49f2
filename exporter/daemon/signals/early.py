"""How ``exporter run`` takes signals while modules are imported, settings are loaded and nothing has begun."""

from __future__ import annotations

import os
import signal


def expect() -> None:
    """Let SIGTERM and SIGINT end the process with 0 from now on, and hold SIGHUP back until ``heard`` is called.

    The daemon, or the parent of several, replaces these handlers by its own. The configuration may have been loaded
    already when SIGHUP comes, so the signal must not be lost.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def heard() -> None:
    """Deliver a SIGHUP that came before SIGHUP had its handler."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _end(_number: int, _frame: object) -> None:
    # Nothing was opened, so nothing is to be closed; a module that is being imported might catch an exception.
    os._exit(0)
