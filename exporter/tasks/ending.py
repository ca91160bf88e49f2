"""An end that is asked for from outside, and cuts short what waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Ending(asyncio.Event):
    """Is set when the end is asked for, for good. One piece of work at a time is run by ``unless_asked``."""

    def __init__(self) -> None:
        super().__init__()
        self._patience: asyncio.Timeout | None = None

    def set(self) -> None:
        """Ask for the end: work in ``unless_asked`` is cancelled where it waits, and later work does not begin."""
        super().set()
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.reschedule(asyncio.get_running_loop().time())

    async def unless_asked(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of ``work``, run in this very task; None where the end was asked for first."""
        if self.is_set():
            work.close()
            return None
        patience = self._patience = asyncio.timeout(None)
        try:
            async with patience:
                return await work
        except TimeoutError:
            if not patience.expired():
                raise
            return None
        finally:
            self._patience = None
