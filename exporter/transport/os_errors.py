"""What the operating system says of a connection that it did not make, and whose fault that is."""

from __future__ import annotations

import errno
import os


def system_words(number: int) -> str:
    """An ``errno`` in words. Where no file is left the fault is ours, and a pause ``unreachable`` has to say so."""
    words = os.strerror(number).lower()
    match number:
        case errno.EMFILE:
            return f"{words} in this process, not the endpoint's fault: raise ulimit -n or lower delivery.concurrency"
        case errno.ENFILE:
            return f"{words} on this machine, not the endpoint's fault"
        case _:
            return words
