"""A queue that is away is asked again after waits of its own, which are never long (see ``test_schedules.py``)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fake_log import FakeLog
from flowing import event, flowing, until

from exporter.dataflow.dependencies import Dependencies
from exporter.queues.port import Outgoing


class Waits:
    """The waits between tries: which they were, and none that takes long."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def into(self, dependencies: Dependencies) -> Dependencies:
        return replace(dependencies, queue_delay=self.delay)

    def delay(self, tries: int) -> float:
        self.asked.append(tries)
        return 0.005


async def test_at_the_start_and_while_it_is_read(tmp_path: Path) -> None:
    log, waits = FakeLog(lanes=1), Waits()
    log.broken = "the brokers are away"
    async with flowing(log, tmp_path, dependencies=waits.into) as flow:
        await until(lambda: len(waits.asked) > 6)
        assert waits.asked[:6] == [0, 1, 2, 3, 4, 5]
        log.broken = None
        await log.publish([Outgoing("p", event(1))])
        await flow.settled()

        waits.asked.clear()
        log.broken = "the brokers are away again"
        log.wake()
        await until(lambda: len(waits.asked) > 6)
        assert waits.asked[:6] == [0, 1, 2, 3, 4, 5]
        log.broken = None
        await log.publish([Outgoing("p", event(2))])
        await flow.settled()
        assert flow.endpoint.versions == [1, 2]
