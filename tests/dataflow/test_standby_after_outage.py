"""A standby whose queue was away for a while is a standby again, and says of a stop what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.dataflow import report
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue, QueueUnavailable, Start, Subscription


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class AwayOnce:
    """A queue that cannot be reached at the first try to subscribe."""

    def __init__(self, real: Queue) -> None:
        self._real = real
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[Subscription]:
        self.tries += 1
        if self.tries == 1:
            raise QueueUnavailable("the broker is restarting")
        async with self._real.subscribe(group, start) as subscription:
            yield subscription


async def test_after_an_outage_a_standby_is_not_paused_any_longer(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.dataflow.flow.STANDBY_SECONDS", 0.2)
    away = AwayOnce(queue)
    async with flowing(queue, tmp_path / "reader"), flowing(away, tmp_path / "standby") as standby:
        await until(lambda: standby.flow.dependencies.outbox.stops == {"queue"})
        assert report.status(standby.flow).last_failure == "the broker is restarting"
        assert report.status(standby.flow).state == "paused"
        assert standby.flow.dependencies.outbox.stop_details == {"queue": "the broker is restarting"}
        await until(lambda: standby.flow.state == "standby")
        assert standby.flow.dependencies.outbox.stops == set()
        assert [line["event"] for line in standby.logs if line["event"] in ("paused", "resumed")] == [
            "paused",
            "resumed",
        ]


async def test_a_queue_that_was_away_at_first_is_told_of_twice(queue: Queue, tmp_path: Path) -> None:
    async with flowing(AwayOnce(queue), tmp_path) as reader:
        await reader.publish(event(1))
        await reader.settled()
        told = [(line["event"], line["reason"]) for line in reader.logs if line["event"] in ("paused", "resumed")]
        assert told == [("paused", "queue"), ("resumed", "queue")]


async def test_a_stop_is_explained_by_itself_and_not_by_the_last_delivery(queue: Queue, tmp_path: Path) -> None:
    answers = iter([Answer(503, {}, b""), OK])

    async def failing_once(_request: Request) -> Outcome:
        return next(answers)

    async with flowing(queue, tmp_path, Endpoint(failing_once)) as flow:
        await flow.publish(event(1))
        await flow.settled()
        assert report.status(flow.flow).last_failure == "HTTP 503"
        flow.flow.dependencies.outbox.stop("queue", "intake", "connection refused")
        assert report.status(flow.flow).last_failure == "connection refused"
        flow.flow.dependencies.outbox.go("queue", "intake")
        assert report.status(flow.flow).last_failure == "HTTP 503"
