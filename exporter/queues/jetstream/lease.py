"""Being the one reader of a group: taking its place in the bucket, and keeping it by being heard of.

A record names its reader. Every write replaces exactly the revision that the reader knows, so one whose place was
taken can't overwrite its successor. A place is free when its record has not changed for the reader's lease: by the
servers' clock at first, then by our own, so no two machines' clocks are compared. The reader counts from before it
spoke and the standby from after it was heard, so the reader stops first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import uuid4

from msgspec.structs import replace

from exporter.queues.jetstream.bucket import Bucket
from exporter.queues.jetstream.connection.link import REQUEST_SECONDS
from exporter.queues.jetstream.group_record import Kept, Reader, Record
from exporter.queues.port import QueueUnavailable

STANDBY_SECONDS = 0.25
#: Servers of a cluster may differ by this much; it only matters right after another one has become the leader.
CLOCKS_APART_SECONDS = 0.5
_GIVE_BACK_SECONDS = 1.0
_LEAST_SECONDS = 0.05


class Lease:
    """One reader's hold on one group; taken with ``take``, kept with ``write``, given back with ``give_back``."""

    def __init__(self, bucket: Bucket, group: str, lease_seconds: float, badge: str = "") -> None:
        self._bucket = bucket
        self.group = group
        self._reader = Reader(uuid4().hex, lease_seconds, badge)
        self._revision = 0
        self._until = 0.0  # monotonic; from then on somebody else may read

    @property
    def lease_seconds(self) -> float:
        """After how much silence somebody else may read."""
        return self._reader.lease

    @property
    def holds(self) -> bool:
        """Whether nobody else can be reading now."""
        return time.monotonic() < self._until

    async def take(self, begin: Callable[[], Awaitable[Record]]) -> tuple[Record, bool]:
        """Wait as a standby until the place is free, and take it.

        Args:
            begin: gives the record of a group that has none.

        Returns:
            The record as it was found, and whether nobody has written it since we did.

        Raises:
            QueueUnavailable: the bucket cannot be used now.
        """
        seen = -1
        silent_since = 0.0
        while True:
            kept = await self._bucket.read(self.group)
            if kept is None or kept.record is None:
                record, revision = await begin(), 0 if kept is None else kept.revision
            else:
                record, revision = kept.record, kept.revision
                if record.reader is not None and record.reader.name != self._reader.name:
                    if revision != seen:
                        silent_since = time.monotonic() - (await self._age(kept) if seen < 0 else 0.0)
                        seen = revision
                    if time.monotonic() - silent_since < record.reader.lease + CLOCKS_APART_SECONDS:
                        await asyncio.sleep(STANDBY_SECONDS)
                        continue
            was_ours = revision == self._revision or (
                record.reader is not None and record.reader.name == self._reader.name
            )
            if await self._occupy(record, revision):
                return record, was_ours
            await asyncio.sleep(0)

    async def write(self, record: Record) -> bool:
        """Make this the group's record, which says again that we are here. False: the place is not ours any more.

        Raises:
            QueueUnavailable: whether it was written is unknown.
        """
        while True:
            spoke_at = time.monotonic()
            left = max(_LEAST_SECONDS, min(REQUEST_SECONDS, self._until - spoke_at))
            revision = await self._bucket.write(
                self.group, replace(record, reader=self._reader), self._revision, timeout=left
            )
            if revision is not None:
                self._revision = revision
                self._until = spoke_at + self._reader.lease
                return True
            # What stands there may be a write of our own whose answer was lost with the connection.
            kept = await self._bucket.read(self.group)
            if kept is None or not self._is_ours(kept):
                self._until = 0.0
                return False
            self._revision = kept.revision

    async def give_back(self, record: Record) -> bool:
        """Leave this as the group's record, and the place free; False if it was not ours. Raises as ``write``."""
        self._until = 0.0
        left_free = replace(record, reader=None)
        for _ in range(2):
            if await self._bucket.write(self.group, left_free, self._revision, timeout=_GIVE_BACK_SECONDS) is not None:
                return True
            kept = await self._bucket.read(self.group)
            if kept is None or not self._is_ours(kept):
                return False
            self._revision = kept.revision
        return False

    async def _occupy(self, record: Record, revision: int) -> bool:
        spoke_at = time.monotonic()
        try:
            taken = await self._bucket.write(self.group, replace(record, reader=self._reader), revision)
        except BaseException:
            await self._step_back(replace(record, reader=None), revision)
            raise
        if taken is None:
            return False
        self._revision = taken
        self._until = spoke_at + self._reader.lease
        return True

    async def _step_back(self, left_free: Record, revision: int) -> None:
        """We asked for the place and do not know whether we got it: if so, do not leave it blocked.

        Writes are answered in their order, but a question may overtake a write: so what was asked for is only looked
        at after another write, in its place, was refused.
        """
        with suppress(QueueUnavailable, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                if await self._bucket.write(self.group, left_free, revision) is None:
                    kept = await self._bucket.read(self.group)
                    if kept is not None and self._is_ours(kept):
                        await self._bucket.write(self.group, left_free, kept.revision)

    def _is_ours(self, kept: Kept) -> bool:
        reader = None if kept.record is None else kept.record.reader
        return reader is not None and reader.name == self._reader.name

    async def _age(self, kept: Kept) -> float:
        return max(0.0, await self._bucket.now() - kept.written_at)


def badge_of(kept: Kept, now: float) -> str:
    """What the reader of this record shows, empty if nobody reads at ``now`` of the servers' time."""
    reader = None if kept.record is None else kept.record.reader
    return reader.badge if reader is not None and is_read(kept, now) else ""


def is_read(kept: Kept, now: float) -> bool:
    """Whether somebody reads the group of this record, at ``now`` of the servers' time."""
    reader = None if kept.record is None else kept.record.reader
    return reader is not None and now - kept.written_at < reader.lease + CLOCKS_APART_SECONDS
