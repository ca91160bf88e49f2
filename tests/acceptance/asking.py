"""Speaks to the queue of a place, whatever its kind, through the exporter's own port; waits while it is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from processes import PATIENCE_SECONDS
from pydantic import TypeAdapter

from exporter.queues.kinds import QueueSettings, open_queue
from exporter.queues.port import Outgoing, Position, Queue, QueueUnavailable

Found = TypeVar("Found")

_SETTINGS: TypeAdapter[QueueSettings] = TypeAdapter(QueueSettings)
_PUBLISH_EVENTS = 500
_AGAIN_SECONDS = 0.1


def positions(section: Mapping[str, Any]) -> Sequence[Position]:
    """Where every group stands on the queue that ``section`` of the configuration names."""
    return _asked(section, lambda queue: queue.positions())


def publish(section: Mapping[str, Any], messages: Iterable[Outgoing]) -> None:
    """Put all of them on that queue, in order.

    What was being put there when the queue went away may come to stand on it twice, in order.
    """
    left = list(messages)
    _asked(section, lambda queue: _publish(queue, left))


async def _publish(queue: Queue, left: list[Outgoing]) -> None:
    """Take out of the list what is on the queue."""
    while left:
        await queue.publish(left[:_PUBLISH_EVENTS])
        del left[:_PUBLISH_EVENTS]


def _asked(section: Mapping[str, Any], ask: Callable[[Queue], Awaitable[Found]]) -> Found:
    """What the queue answers, once it can be reached. Raises QueueUnavailable where that takes too long."""

    async def asking() -> Found:
        async with open_queue(_SETTINGS.validate_python(section), (), lambda _: None) as queue:
            return await ask(queue)

    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return asyncio.run(asking())
        except QueueUnavailable:
            if time.monotonic() > end:
                raise
            time.sleep(_AGAIN_SECONDS)
