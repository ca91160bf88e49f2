"""The heartbeat of the event loop: how late the loop is, for all destinations that wait for a turn on the loop."""

from __future__ import annotations

import asyncio
import time

from exporter.outbox.loop_load import LoopLoad

BEAT_SECONDS = 0.025


async def heartbeat(load: LoopLoad) -> None:
    """Report the lateness of the loop to ``load`` until cancelled."""
    began, worked = time.monotonic(), time.thread_time()
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        # A timer may fire in the gap between two long turns; queued behind every ready task, the beat meets a long
        # turn.
        await asyncio.sleep(0)
        now, work = time.monotonic(), time.thread_time()
        passed = now - began
        load.heartbeat(max(0.0, passed - BEAT_SECONDS), work - worked, passed)
        began, worked = now, work
