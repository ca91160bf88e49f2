"""The heartbeat notices a loop that is kept busy, and only that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from exporter.daemon.process.heartbeat import heartbeat
from exporter.outbox.loop_load import LoopLoad

BUSY_SECONDS = 0.1


def work() -> None:
    """Use the processor, also where others want it too."""
    begun = time.thread_time()
    while time.thread_time() - begun < BUSY_SECONDS:
        pass


def sleep() -> None:
    """Keep the loop without using the processor, as a machine does that is busy with others."""
    time.sleep(BUSY_SECONDS)


@pytest.mark.parametrize(("doing", "busy"), [(work, True), (sleep, False)])
async def test_only_our_own_work_is_too_much(doing: Callable[[], None], busy: bool) -> None:
    load = LoopLoad()
    beating = asyncio.create_task(heartbeat(load))
    for _ in range(6):
        doing()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    beating.cancel()

    assert load.too_busy(bursts=True) is busy
    assert (load.part(BUSY_SECONDS) > 0.5) is busy
