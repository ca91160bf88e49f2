"""The lease of a group's reader: a key that lives for five seconds and is renewed every second.

When a process ends without giving the lease back, Redis forgets the key, and a standby takes over.
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
_STANDBY_SECONDS = 0.5
_GIVE_BACK_SECONDS = 1.0


def badge_of(token: bytes | None) -> str:
    """The badge in a lease's token; empty without a token."""
    return "" if token is None else token.partition(b":")[2].decode(errors="replace")


class Held(Enum):
    """The result of asking for a lease.

    ``ELSEWHERE``: a different reader holds the lease. ``AFTER_ANOTHER``: held now, after a different reader.
    ``STILL``: held now, and by no different reader since the last time.
    """

    ELSEWHERE = 0
    AFTER_ANOTHER = 1
    STILL = 2


class Lease:
    """The lease of a single reader, under a random token that ends with the reader's badge."""

    def __init__(self, stream: Stream, group: str, badge: str = "") -> None:
        self.token = f"{uuid4().hex}:{badge}"
        self._stream = stream
        self._group = group
        self._good_until = 0.0
        self.acknowledged = 0  # how many acknowledgements of the group Redis knew of at the last ``hold``

    @property
    def good(self) -> bool:
        """Whether the lease cannot have run out yet."""
        return time.monotonic() < self._good_until

    async def hold(self, place: StreamId | None = None) -> Held:
        """Take or renew the lease, and record that the group is read, and that all up to ``place`` is settled.

        Raises:
            QueueUnavailable: whether the lease is held is unknown.
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

    async def wait(self) -> None:
        """Wait as a standby until the lease is held; asks twice a second. Raises as ``hold``."""
        while await self.hold() is Held.ELSEWHERE:  # noqa: ASYNC110 - Redis does not tell when a lease ends
            await asyncio.sleep(_STANDBY_SECONDS)

    async def give_back(self) -> None:
        """Let the next reader begin at once. While Redis cannot be reached, the lease just runs out."""
        try:
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                await self._stream.server.run(scripts.RELEASE, [self._stream.lease_key(self._group)], self.token)
        except (QueueUnavailable, TimeoutError):
            pass
