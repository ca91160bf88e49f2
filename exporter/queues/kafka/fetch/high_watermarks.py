"""Where each partition ends, as far as this process knows: for lag, without asking for every look."""

from __future__ import annotations

import asyncio

from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.port import QueueUnavailable

_LOOK_SECONDS = 3.0


class HighWatermarks:
    """The next position of each partition. Grows by what we publish, what we read, and a question now and then."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._next: dict[int, int] = {}
        self._watchers = 0
        self._watched = asyncio.Event()
        self.failure: QueueUnavailable | None = None

    def next(self, partition: int) -> int | None:
        """The position that comes next, if it is known."""
        return self._next.get(partition)

    def reaches(self, partition: int, following: int) -> None:
        """Somebody has seen that ``following`` comes next, at least."""
        if following > self._next.get(partition, -1):
            self._next[partition] = following

    async def look(self) -> None:
        """Ask now. Raises QueueUnavailable: with the reason."""
        seen = await self._cluster.seen()
        self._next = dict(await self._cluster.next(seen.leaders))
        self.failure = None

    def watch(self) -> None:
        """Somebody wants to know from now on."""
        self._watchers += 1
        self._watched.set()

    def unwatch(self) -> None:
        """Somebody does not want to know any more."""
        self._watchers -= 1
        if not self._watchers:
            self._watched.clear()

    async def run(self) -> None:
        """Ask every few seconds while somebody wants to know, until cancelled."""
        while True:
            await self._watched.wait()
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.look()
            except QueueUnavailable as error:
                self.failure = error
