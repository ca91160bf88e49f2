"""The operating system's words for a connection that could not be made, and whose fault the failure is."""

from __future__ import annotations

import errno
import os


def system_words(number: int) -> str:
    """An ``errno`` in words; where no descriptor is left, with a note that the endpoint is not at fault."""
    words = os.strerror(number).lower()
    match number:
        case errno.EMFILE:
            return f"{words} in this process, not the endpoint's fault: raise ulimit -n or lower delivery.concurrency"
        case errno.ENFILE:
            return f"{words} on this machine, not the endpoint's fault"
        case _:
            return words
