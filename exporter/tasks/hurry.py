"""Waits between tries, which somebody may cut short."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Hurry:
    """Any number of waits, all of which ``now`` ends early."""

    def __init__(self) -> None:
        self._called = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``, or until ``now`` is called."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._called.wait()

    def now(self) -> None:
        """End the waits that there are; later waits are not ended."""
        called, self._called = self._called, asyncio.Event()
        called.set()
