"""What is remembered of a destination's last success and failure."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.dataflow import report
from exporter.dataflow.stops import Stops
from exporter.messages.exchange import Answer, Outcome, Request, Unreachable
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.interventions import OperatorPause


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


async def test_a_rejected_export_is_a_failure_and_a_delivery_a_success(queue: Queue, tmp_path: Path) -> None:
    answers = iter([Answer(422, {}, b"who is this?"), OK])

    async def answering(_request: Request) -> Outcome:
        return next(answers)

    began = time.time()
    async with flowing(queue, tmp_path, Endpoint(answering)) as flow:
        history = flow.flow.dependencies.metrics.history
        assert (history.succeeded_at, history.failed_at, history.failure) == (None, None, None)
        await flow.publish(event(1))
        await flow.settled()
        assert history.failure == "HTTP 422", "without what was answered"
        assert report.status(flow.flow).last_failure == "HTTP 422"
        assert history.failed_at is not None
        assert began <= history.failed_at <= time.time()
        assert history.succeeded_at is None
        await flow.publish(event(2))
        await flow.settled()
        assert history.succeeded_at is not None
        assert history.failed_at <= history.succeeded_at <= time.time()
        assert history.failure == "HTTP 422", "the last failure stays, and its time says that it is over"


async def test_a_pause_says_its_own_cause_and_since_when(queue: Queue, tmp_path: Path) -> None:
    async def answering(_request: Request) -> Outcome:
        return Unreachable("connection refused")

    async with flowing(queue, tmp_path, Endpoint(answering)) as flow:
        stops = Stops(flow.flow.dependencies, "a test")
        began = time.time()
        stops.stop("state", "the state was away")
        status = report.status(flow.flow)
        assert (status.state, status.paused, status.last_failure) == ("paused", ("state",), "the state was away")
        assert status.paused_since is not None
        assert began - 1 <= status.paused_since <= time.time() + 1
        stops.go("state")
        await flow.publish(event(1))
        await until(lambda: report.status(flow.flow).paused == ("unreachable",))
        stops.stop("state", "the state was away")
        stops.go("state")
        status = report.status(flow.flow)
        assert (status.paused, status.last_failure) == (("unreachable",), "connection refused")


async def test_a_pause_by_hand_lasts_since_it_was_made(queue: Queue, tmp_path: Path) -> None:
    async with flowing(queue, tmp_path, Endpoint()) as flow:
        flow.flow.obey(OperatorPause(time.time() - 90, "alice", "the partner moves"))
        assert flow.flow.dependencies.pauses.since is not None
        since = report.status(flow.flow).paused_since
        assert since is not None
        assert since <= time.time() - 89
