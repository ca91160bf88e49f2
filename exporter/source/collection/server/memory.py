"""The bytes of bodies in hand, of all connections together: who wants more than is left waits in line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Waiter(Protocol):
    """Waits for room."""

    def granted(self) -> None:
        """There is room now, and it has been taken."""


class Memory:
    """A budget of ``limit`` bytes. ``soon`` calls a function in a later turn of the event loop.

    A request for more than the limit waits until everything is free, and counts as the whole.
    """

    def __init__(self, limit: int, soon: Callable[[Callable[[], None]], object]) -> None:
        self.limit = limit
        self.used = 0
        self._soon = soon
        self._line: dict[Waiter, int] = {}

    @property
    def waiting(self) -> int:
        """How many wait in line."""
        return len(self._line)

    def take(self, size: int, waiter: Waiter) -> bool:
        """Take room now; or else ``waiter`` stands in line, and will be told."""
        size = min(size, self.limit)
        if not self._line and self.used + size <= self.limit:
            self.used += size
            return True
        self._line[waiter] = size
        return False

    def leave(self, waiter: Waiter) -> bool:
        """Take ``waiter`` out of the line; whether it stood there. Else it may have been granted, and not yet told."""
        stood = self._line.pop(waiter, None) is not None
        if stood:
            self._serve()
        return stood

    def release(self, size: int) -> None:
        """Give back room of a request for ``size``."""
        self.used -= min(size, self.limit)
        if self._line:
            self._serve()

    def _serve(self) -> None:
        for waiter, size in tuple(self._line.items()):
            if self.used + size > self.limit:
                return
            self.used += size
            del self._line[waiter]
            self._soon(waiter.granted)
