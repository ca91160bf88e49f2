"""The standard input of this very process, for tests that call a command without a process of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def standard_input(given: bytes) -> Iterator[None]:
    """While the body runs, what is read from file descriptor 0 is ``given``."""
    before = os.dup(0)
    try:
        with tempfile.TemporaryFile() as file:
            file.write(given)
            file.seek(0)
            os.dup2(file.fileno(), 0)
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
