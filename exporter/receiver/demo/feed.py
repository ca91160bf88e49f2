"""Puts the demo's sample events on the journal, and remembers them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from exporter.queues.port import Outgoing, Queue
from exporter.receiver.oracle import State
from exporter.receiver.samples import Sample, samples

#: The size of a group: a trickle comes in groups, with a pause after each.
GROUP = 10
PAUSE_SECONDS = 0.05


class Feed:
    """The events that were put on the queue so far, and the next ones.

    Args:
        queue: takes the events.
        profiles: how many profiles they are about.
        seed: makes them repeatable, but for the times.
    """

    def __init__(self, queue: Queue, profiles: int, seed: int) -> None:
        self._queue = queue
        self._source = samples(profiles, seed=seed, now=time.time)
        self.sent: list[Sample] = []

    async def publish(self, count: int) -> None:
        """Put ``count`` events on the queue at once."""
        made = [next(self._source) for _ in range(count)]
        await self._queue.publish([Outgoing(sample.profile_id, sample.body) for sample in made])
        self.sent.extend(made)

    async def trickle(self, count: int) -> None:
        """Put ``count`` events on the queue, a few at a time."""
        for _ in range(count // GROUP):
            await self.publish(GROUP)
            await asyncio.sleep(PAUSE_SECONDS)

    async def publish_to_the_next_export(self) -> None:
        """Put events on the queue up to the first that must be exported, and no more."""
        await self.publish(1)
        while self.sent[-1].fate != "exported":
            await self.publish(1)

    def states(self) -> dict[str, State]:
        """The state that each event to be exported holds, by the event's id."""
        return {
            sample.event_id: sample.state
            for sample in self.sent
            if sample.state is not None and sample.fate == "exported"
        }

    def excluded(self) -> Mapping[str, int]:
        """How many events must be excluded, by reason."""
        return Counter(sample.fate for sample in self.sent if sample.fate not in ("exported", "malformed"))
