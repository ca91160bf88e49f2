"""The port ``Subscription`` for a group of the stream."""

from __future__ import annotations

import asyncio

from exporter.messages.message import Message
from exporter.queues.port import Batch, Lag, LaneLost, QueueUnavailable
from exporter.queues.positions import lag_of
from exporter.queues.redis_streams.fetch import Fetch


class RedisSubscription:
    """``Subscription`` to a stream of Redis; hands out the entries that ``fetch`` has taken.

    Made by ``RedisQueue.subscribe``.
    """

    def __init__(self, lane: str, fetch: Fetch) -> None:
        self._lane = lane
        self._fetch = fetch
        self._unacknowledged = fetch.unacknowledged
        self._commits = fetch.commits

    async def receive(self, limit: int) -> Batch | LaneLost:
        """After the loss of the lease, waits as a standby until the lease is held."""
        await asyncio.sleep(0)
        fetch = self._fetch
        while True:
            if fetch.lost:
                fetch.lost = False
                return LaneLost(self._lane, planned=False)
            if failure := fetch.failure or self._commits.failure:
                raise QueueUnavailable(failure)
            # Nothing from here to ``return`` waits, so a cancelled call has taken nothing.
            if limit > 0 and fetch.mine and self._unacknowledged.waiting:
                if not fetch.lease.good:
                    raise QueueUnavailable("the lease on the group could not be renewed in time")
                messages = self._unacknowledged.hand_out(limit)
                fetch.room.set()
                return Batch(messages)
            fetch.changed.clear()
            await fetch.changed.wait()

    def settle(self, message: Message) -> None:
        settled = self._unacknowledged.settle(message.position)
        if settled is not None:
            self._commits.settled((settled,))

    async def commit(self) -> None:
        await self._commits.commit()

    def reads(self, lane: str | None) -> bool:  # noqa: ARG002 - the reader has every lane
        return self._fetch.mine and self._fetch.lease.good

    def knows(self, lane: str) -> bool:  # noqa: ARG002 - there is a single lane
        return True

    def lag(self) -> Lag:
        """Events from other processes count after a second or two."""
        messages = self._fetch.standing.unread + self._unacknowledged.unsettled
        return lag_of(messages, self._unacknowledged.oldest_taken_at())

    def grown(self, added: int) -> None:
        """Note that ``added`` entries were ever added to the stream."""
        standing = self._fetch.standing
        standing.added = max(standing.added, added)
