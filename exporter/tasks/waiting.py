"""Waiting for an event, but not for longer than there is patience."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def wait_at_most(seconds: float | None, event: asyncio.Event) -> None:
    """Wait until ``event`` is set, for ``seconds`` at most; None: for as long as it takes."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
