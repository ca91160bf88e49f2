"""The lease of one group's reader: a key that lives for five seconds and is renewed every second.

When a process ends without giving it back, Redis forgets the key, and a standby takes over.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum
from uuid import uuid4

from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams import scripts
from exporter.queues.redis_streams.ids import StreamId, written
from exporter.queues.redis_streams.stream import Stream

LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0
STANDBY_SECONDS = 0.5
_GIVE_BACK_SECONDS = 1.0


def badge_of(token: bytes | None) -> str:
    """The badge of who holds a lease with this token, empty if nobody does."""
    return "" if token is None else token.partition(b":")[2].decode(errors="replace")


class Held(Enum):
    """What asking for the lease came to."""

    ELSEWHERE = 0
    AFTER_ANOTHER = 1
    STILL = 2


class Lease:
    """One reader's, with a token of its own that shows its badge."""

    def __init__(self, stream: Stream, group: str, badge: str = "") -> None:
        self.token = f"{uuid4().hex}:{badge}"
        self._stream = stream
        self._group = group
        self._good_until = 0.0
        self.acknowledged = 0  # how many acknowledgements of the group Redis knew of when it was last asked

    @property
    def good(self) -> bool:
        """Whether it can't have run out yet."""
        return time.monotonic() < self._good_until

    async def hold(self, place: StreamId | None = None) -> Held:
        """Take or renew it, and note that the group is read and how far it has settled.

        Raises:
            QueueUnavailable: whether it is ours is unknown.
        """
        asked_at = time.monotonic()
        keys = [self._stream.lease_key(self._group), self._stream.record_key]
        where = "" if place is None else written(place)
        milliseconds = int(LEASE_SECONDS * 1000)
        came_to, self.acknowledged = await self._stream.server.run(
            scripts.HOLD, keys, self.token, milliseconds, self._group, where
        )
        held = Held(came_to)
        if held is not Held.ELSEWHERE:
            self._good_until = asked_at + LEASE_SECONDS
        return held

    async def wait(self) -> Held:
        """Stand by until it is ours; looks twice a second. Raises QueueUnavailable."""
        while True:
            held = await self.hold()
            if held is not Held.ELSEWHERE:
                return held
            await asyncio.sleep(STANDBY_SECONDS)

    async def give_back(self) -> None:
        """Let the next reader begin at once. Where Redis cannot be reached, the lease runs out by itself."""
        try:
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                await self._stream.server.run(scripts.RELEASE, [self._stream.lease_key(self._group)], self.token)
        except (QueueUnavailable, TimeoutError):
            pass
