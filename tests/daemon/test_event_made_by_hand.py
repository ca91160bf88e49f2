"""A test event by hand through a process: what is put on the queue, and why nothing is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from exporter.daemon.interventions import ByHand
from exporter.daemon.ops.actions import Done, NotDone
from exporter.queues.port import Outgoing, Queue, QueueFull
from exporter.settings.tree import Settings
from exporter.state.kinds import State

ENDPOINT = "http://127.0.0.1:9/"
SETTINGS = Settings.model_validate(
    {
        "destinations": [
            {"name": "crm", "endpoint": ENDPOINT, "segments": ["s-1"]},
            {"name": "bare", "endpoint": ENDPOINT},
            {"name": "off", "endpoint": ENDPOINT, "segments": ["s-1"], "enabled": False},
        ]
    }
)


class Noting:
    """A queue that notes what is published, or is full."""

    def __init__(self, *, full: bool = False) -> None:
        self.published: list[Outgoing] = []
        self._full = full

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self._full:
            raise QueueFull("10 of 10 bytes")
        self.published += messages


@asynccontextmanager
async def no_state() -> AsyncIterator[State]:
    raise AssertionError("a test event needs no state")
    yield


def acting(queue: Noting | None) -> ByHand:
    return ByHand(lambda: SETTINGS, no_state, lambda: 7.0, "alice", queue=lambda: cast(Queue | None, queue))


async def test_it_is_put_on_the_queue_for_that_destination_alone() -> None:
    queue = Noting()
    result = await acting(queue).test("crm")
    [outgoing] = queue.published
    event = json.loads(outgoing.body)
    assert event["destination"] == "crm"
    assert event["id"] == event["profileId"] == outgoing.key
    assert event["id"].startswith("test:")
    assert result == Done(f"{event['id']} is queued for crm")


async def test_nothing_is_where_nothing_would_be_sent() -> None:
    queue = Noting()
    reasons = {name: await acting(queue).test(name) for name in ("crn", "bare", "off")}
    assert queue.published == []
    assert all(isinstance(result, NotDone) for result in reasons.values())
    assert {name: getattr(result, "reason", None) for name, result in reasons.items()} == {
        "crn": "unknown",
        "bare": "not_now",
        "off": "not_now",
    }


async def test_nor_where_the_queue_takes_nothing() -> None:
    for queue in (None, Noting(full=True)):
        result = await acting(queue).test("crm")
        assert isinstance(result, NotDone)
        assert result.reason == "unavailable"
