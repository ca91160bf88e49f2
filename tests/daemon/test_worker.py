"""A worker as its parent keeps it: restarted when it ends by itself, and how that ends."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
from collections.abc import Callable

import pytest

from exporter.daemon.workers.shard import Shard
from exporter.daemon.workers.worker import Worker
from exporter.telemetry.logs import configure

CRASHES = (sys.executable, "-c", "import sys; sys.exit(3)")


def worker(command: tuple[str, ...], delay: Callable[[int], float]) -> Worker:
    return Worker(Shard(2, 4), command, "127.0.0.1", (), delay, configure(io.StringIO(), tty=False))


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - a process is waited for, which sets no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("command", [CRASHES, ("/nowhere/exporter",)])
async def test_one_that_crashes_again_and_again_waits_longer_each_time(command: tuple[str, ...]) -> None:
    waits: list[int] = []

    def delay(crash: int) -> float:
        waits.append(crash)
        return 0.0 if len(waits) < 4 else 3_600.0

    crashing = worker(command, delay)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crashing.run())
        await until(lambda: len(waits) == 4)
        crashing.stop(signal.SIGTERM)

    assert waits == [0, 1, 2, 3]


async def test_a_stop_ends_the_wait_for_a_restart_and_is_no_failure() -> None:
    crashed = worker(CRASHES, lambda _: 3_600.0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crashed.run())
        await until(lambda: "exit code 3" in crashed.health.reasons[0])
        assert crashed.health.reasons == ("shard 2/4: ended with exit code 3, to be started again after 3600 s",)
        assert not crashed.health.ready
        crashed.stop(signal.SIGTERM)

    assert crashed.exit_code == 0
