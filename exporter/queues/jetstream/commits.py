"""Keeps a group's record up to date: commits settled positions in batches, and renews the lease."""

from __future__ import annotations

from typing import Protocol

from exporter.queues.commit_timing import CommitTiming
from exporter.queues.jetstream.group_record import Record
from exporter.queues.jetstream.lease import Lease
from exporter.queues.port import QueueUnavailable

#: How often in a lease the record is written, when nothing settles.
_RENEWALS = 4
_AGAIN_MOST_SECONDS = 0.25


class LeaseHolder(Protocol):
    """The owner of the record: a subscription."""

    def standing(self) -> Record:
        """The record to write, with the group's position as of now."""
        ...

    def lease_lost(self) -> None:
        """Note that the lease was lost: another process may be reading the group."""
        ...

    def lease_regained(self, record: Record, undisturbed: bool) -> None:
        """Read again from ``record``: the lease is held again. ``undisturbed``: no other process read in between."""
        ...

    def changed(self) -> None:
        """Note that ``Commits.failure`` may have changed."""
        ...


class Commits(CommitTiming):
    """Writes every 25 ms or 500 events while events settle. When writing fails, all stays noted."""

    def __init__(self, lease: Lease, owner: LeaseHolder) -> None:
        super().__init__(
            self._write_record,
            failed=owner.changed,
            mended=owner.changed,
            ended="the subscription has ended",
            again_most_seconds=_AGAIN_MOST_SECONDS,
            idle_seconds=lease.lease_seconds / _RENEWALS,
        )
        self._lease = lease
        self._owner = owner
        self._ours = True

    async def keep_lease(self) -> None:
        """Write in time, and take the lease again after a loss, until cancelled."""
        try:
            while True:
                await self.run(self._keeps)
                self.forget()
                self._owner.lease_lost()
                await self._take_again()
        finally:
            self.end()

    async def leave(self) -> None:
        """Write for the last time and free the lease. Raises as ``Lease.give_back``."""
        await self._lease.give_back(self._owner.standing())

    def _keeps(self) -> bool:
        """Whether the lease is still held: not taken by a standby, and not run out while writes failed."""
        return self._ours and (self.failure is None or self._lease.holds)

    async def _write_record(self) -> None:
        self._ours = await self._lease.write(self._owner.standing())

    async def _take_again(self) -> None:
        while True:
            try:
                record, undisturbed = await self._lease.take(self._stand)
            except QueueUnavailable as error:
                self.came_to(str(error))
                self.answer(str(error))
                await self.wait(_AGAIN_MOST_SECONDS)
            else:
                self._ours = True
                self.came_to(None)
                self._owner.lease_regained(record, undisturbed)
                return

    async def _stand(self) -> Record:
        return self._owner.standing()
