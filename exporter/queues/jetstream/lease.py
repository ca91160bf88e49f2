"""The lease on a group: taken by a write to the group's record in the bucket, and renewed by every further write.

A record names the reader. Every write replaces exactly the revision that the reader knows, so a reader that lost the
lease cannot overwrite the successor's record. A lease is free when the record has not changed for the lease's seconds:
by the servers' clock at first, then by the standby's, so no two machines' clocks are compared. The reader counts from
before each write and the standby from after reading the result, so the reader stops first.
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
#: The most that clocks of a cluster's servers may differ by, which only matters right after a change of leader.
CLOCKS_APART_SECONDS = 0.5
_GIVE_BACK_SECONDS = 1.0
_LEAST_SECONDS = 0.05


class Lease:
    """A reader's lease on a group; taken with ``take``, renewed with ``write``, given back with ``give_back``."""

    def __init__(self, bucket: Bucket, group: str, lease_seconds: float, badge: str = "") -> None:
        self._bucket = bucket
        self.group = group
        self._reader = Reader(uuid4().hex, lease_seconds, badge)
        self._revision = 0
        self._until = 0.0  # monotonic; from then on a standby may read

    @property
    def lease_seconds(self) -> float:
        """The seconds of silence after which a standby may read."""
        return self._reader.lease

    @property
    def holds(self) -> bool:
        """Whether the lease is held now: no other process can be reading."""
        return time.monotonic() < self._until

    async def take(self, begin: Callable[[], Awaitable[Record]]) -> tuple[Record, bool]:
        """Wait as a standby until the lease is free, and take the lease.

        Args:
            begin: gives the first record of a new group.

        Returns:
            The record as found, and whether no other process has written since this lease's last write.

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
        """Write the group's record, which renews the lease. False: the lease is lost.

        Raises:
            QueueUnavailable: whether the record was written is unknown.
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
            if not await self._still_ours():
                self._until = 0.0
                return False

    async def give_back(self, record: Record) -> None:
        """Write the group's record and free the lease, unless the lease was lost before. Raises as ``write``."""
        self._until = 0.0
        left_free = replace(record, reader=None)
        for _ in range(2):
            if await self._bucket.write(self.group, left_free, self._revision, timeout=_GIVE_BACK_SECONDS) is not None:
                return
            if not await self._still_ours():
                return

    async def _still_ours(self) -> bool:
        """After a refused write: whether the record found is of this lease, whose revision is known then.

        The record may be this lease's own write, whose answer was lost with the connection.
        """
        kept = await self._bucket.read(self.group)
        if kept is None or not self._is_ours(kept):
            return False
        self._revision = kept.revision
        return True

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
        """Free the lease where taking had no answer: if the write arrived, the lease would block the group.

        Writes are answered in order, but a read may overtake a write: so the record is only read after a second write,
        in place of the first, was refused.
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
    """The badge of the record's reader, empty if the group has no reader at ``now`` of the servers' time."""
    reader = None if kept.record is None else kept.record.reader
    return reader.badge if reader is not None and is_read(kept, now) else ""


def is_read(kept: Kept, now: float) -> bool:
    """Whether the record's group has a reader at ``now`` of the servers' time."""
    reader = None if kept.record is None else kept.record.reader
    return reader is not None and now - kept.written_at < reader.lease + CLOCKS_APART_SECONDS
