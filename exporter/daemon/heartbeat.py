"""The heartbeat of the event loop: how late it is, for all destinations that wait for their turn on it."""

from __future__ import annotations

import asyncio
import time

from exporter.outbox.loop_load import LoopLoad

BEAT_SECONDS = 0.025


async def heartbeat(load: LoopLoad) -> None:
    """Tell ``load`` how late the loop is, until cancelled."""
    began, worked = time.monotonic(), time.thread_time()
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        # A timer may just have met the gap between two long turns; behind everybody who is ready it meets one.
        await asyncio.sleep(0)
        now, work = time.monotonic(), time.thread_time()
        passed = now - began
        load.heartbeat(max(0.0, passed - BEAT_SECONDS), work - worked, passed)
        began, worked = now, work
