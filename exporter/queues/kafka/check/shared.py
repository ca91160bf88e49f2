"""A check shared by all callers within a second: after an outage every dataflow asks whether the queue is back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from exporter.queues.port import QueueUnavailable

_FRESH_SECONDS = 1.0


class SharedCheck:
    """Calls ``check`` at most once a second, and never twice at a time. ``clock`` gives monotonic seconds."""

    def __init__(self, check: Callable[[], Awaitable[None]], clock: Callable[[], float]) -> None:
        self._check = check
        self._clock = clock
        self._turn = asyncio.Lock()
        self._began_at = float("-inf")
        self._failure: str | None = None

    async def __call__(self) -> None:
        """Return if ``check`` succeeded, at most a second before this call.

        Raises:
            QueueUnavailable: ``check`` failed, at most a second before this call.
        """
        asked_at = self._clock()
        async with self._turn:
            if self._began_at < asked_at - _FRESH_SECONDS:
                began_at = self._clock()
                try:
                    await self._check()
                    self._failure = None
                except QueueUnavailable as error:
                    self._failure = str(error)
                self._began_at = began_at
            if self._failure is not None:
                raise QueueUnavailable(self._failure)
