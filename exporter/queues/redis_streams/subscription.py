"""One group's reading of the stream, as the port wants it."""

from __future__ import annotations

import asyncio
import time

from exporter.messages.message import Message
from exporter.queues.port import Batch, Lag, LaneLost, QueueUnavailable
from exporter.queues.redis_streams.fetch import Feeding


class Reading:
    """The subscription that ``RedisQueue.subscribe`` gives; ``feeding`` does the work beside it."""

    def __init__(self, lane: str, feeding: Feeding) -> None:
        self._lane = lane
        self._feeding = feeding
        self._custody = feeding.custody
        self._acknowledging = feeding.acknowledging

    async def receive(self, limit: int) -> Batch | LaneLost:
        """See ``Subscription.receive``. After a loss it waits as a standby until the group is ours again."""
        await asyncio.sleep(0)
        feeding = self._feeding
        while True:
            if feeding.lost:
                feeding.lost = False
                return LaneLost(self._lane, planned=False)
            if failure := feeding.failure or self._acknowledging.failure:
                raise QueueUnavailable(failure)
            # Nothing from here to ``return`` waits, so a cancelled call has taken nothing.
            if limit > 0 and feeding.mine and self._custody.waiting:
                if not feeding.lease.good:
                    raise QueueUnavailable("the lease on the group could not be renewed in time")
                messages = self._custody.hand_out(limit)
                feeding.room.set()
                return Batch(messages)
            feeding.changed.clear()
            await feeding.changed.wait()

    def settle(self, message: Message) -> None:
        """See ``Subscription.settle``. Raises ValueError: this subscription never handed it out."""
        settled = self._custody.settle(message.position)
        if settled is not None:
            self._acknowledging.note((settled,))

    async def commit(self) -> None:
        """See ``Subscription.commit``."""
        await self._acknowledging.commit()

    def reads(self, lane: str | None) -> bool:  # noqa: ARG002 - the one reader has all
        """See ``Subscription.reads``."""
        return self._feeding.mine and self._feeding.lease.good

    def knows(self, lane: str) -> bool:  # noqa: ARG002 - there is one
        """See ``Subscription.knows``."""
        return True

    def lag(self) -> Lag:
        """See ``Subscription.lag``; what other processes published counts after a second or two."""
        messages = self._feeding.standing.unread + self._custody.unsettled
        if not messages:
            return Lag(0, 0.0)
        oldest = self._custody.oldest_taken_at()
        return Lag(messages, None if oldest is None else max(0.0, time.time() - oldest))

    def grown(self, added: int) -> None:
        """The stream has had so many entries by now."""
        standing = self._feeding.standing
        standing.added = max(standing.added, added)
