"""The high watermark of each partition, as far as this process knows: for lag, without a request each time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.port import QueueUnavailable

_LOOK_SECONDS = 3.0


class HighWatermarks:
    """The next position of each partition. Grows by publishing, by reading, and by asking the cluster now and then."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._next: dict[int, int] = {}
        self._watchers = 0
        self._watched = asyncio.Event()
        self.failure: QueueUnavailable | None = None

    def next(self, partition: int) -> int | None:
        """The next position of ``partition``, None where unknown."""
        return self._next.get(partition)

    def reaches(self, partition: int, following: int) -> None:
        """Note that the next position is at least ``following``."""
        if following > self._next.get(partition, -1):
            self._next[partition] = following

    async def look(self) -> None:
        """Ask the cluster now.

        Raises:
            QueueUnavailable: with the reason.
        """
        seen = await self._cluster.seen()
        self._next = dict(await self._cluster.next(seen.leaders))
        self.failure = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let ``run`` ask, until this context is left."""
        self._watchers += 1
        self._watched.set()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._watched.clear()

    async def run(self) -> None:
        """Ask every few seconds while being watched, until cancelled; ``failure`` is that of the last request."""
        while True:
            await self._watched.wait()
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.look()
            except QueueUnavailable as error:
                self.failure = error
