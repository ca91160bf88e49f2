"""Waits until queues of this process have deleted what they may delete."""

from __future__ import annotations

import asyncio


class Sweeps:
    """The sweeps of all queues of this process; a fixture tells of each that ended."""

    def __init__(self) -> None:
        self._ended = 0

    def ended(self) -> None:
        """One more has ended."""
        self._ended += 1

    async def catch_up(self) -> None:
        """Wait until all is deleted that may be deleted now.

        The first sweep to end may have begun before, and the second is durable once a third was made.
        """
        begun = self._ended
        async with asyncio.timeout(30):
            while self._ended < begun + 3:  # noqa: ASYNC110 - a sweep may end on another thread
                await asyncio.sleep(0.02)
