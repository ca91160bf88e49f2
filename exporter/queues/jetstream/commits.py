"""Keeps a group's record up to date: what has settled goes there in batches, and our hold on the group is renewed."""

from __future__ import annotations

from typing import Protocol

from exporter.queues.commit_timing import CommitTiming
from exporter.queues.jetstream.group_record import Record
from exporter.queues.jetstream.lease import Lease
from exporter.queues.port import QueueUnavailable

#: How often in a lease we are heard of, when nothing settles.
_RENEWALS = 4
_AGAIN_MOST_SECONDS = 0.25


class LeaseHolder(Protocol):
    """Whose record it is."""

    def standing(self) -> Record:
        """Where the group stands now."""
        ...

    def taken_away(self) -> None:
        """Somebody else may be reading the group."""
        ...

    def given_again(self, record: Record, undisturbed: bool) -> None:
        """We read it again, from ``record``. ``undisturbed``: nobody has read it in between."""
        ...

    def changed(self) -> None:
        """``failure`` has changed."""
        ...


class Commits:
    """Writes every 25 ms or 500 events while something settles. When writing fails, all stays noted."""

    def __init__(self, lease: Lease, owner: LeaseHolder) -> None:
        self._lease = lease
        self._owner = owner
        self._ours = True
        self._timing = CommitTiming(
            self._write,
            failed=owner.changed,
            mended=owner.changed,
            ended="the subscription has ended",
            again_most_seconds=_AGAIN_MOST_SECONDS,
            idle_seconds=lease.lease_seconds / _RENEWALS,
        )

    @property
    def failure(self) -> str | None:
        """Why nothing can be written now; None while it can."""
        return self._timing.failure

    @property
    def holds(self) -> bool:
        """Whether nobody else can be reading the group now."""
        return self._lease.holds

    def note(self) -> None:
        """One more event has settled."""
        self._timing.note()

    async def commit(self) -> None:
        """See ``CommitTiming.commit``."""
        await self._timing.commit()

    async def run(self) -> None:
        """Write in time, and take the place again when it was lost, until cancelled."""
        try:
            while True:
                await self._timing.run(self._keeps)
                self._timing.forget()
                self._owner.taken_away()
                await self._take_again()
        finally:
            self._timing.end()

    async def leave(self) -> str | None:
        """Write for the last time and leave the place free; why that failed, if it did."""
        try:
            await self._lease.give_back(self._owner.standing())
        except QueueUnavailable as error:
            return str(error)
        return None

    def _keeps(self) -> bool:
        """Whether the place is still ours: nobody has taken it, and nobody could have while we were not heard."""
        return self._ours and (self.failure is None or self._lease.holds)

    async def _write(self) -> None:
        self._ours = await self._lease.write(self._owner.standing())

    async def _take_again(self) -> None:
        while True:
            try:
                record, undisturbed = await self._lease.take(self._stand)
            except QueueUnavailable as error:
                self._timing.came_to(str(error))
                self._timing.answer(str(error))
                await self._timing.wait(_AGAIN_MOST_SECONDS)
            else:
                self._ours = True
                self._timing.came_to(None)
                self._owner.given_again(record, undisturbed)
                return

    async def _stand(self) -> Record:
        return self._owner.standing()
