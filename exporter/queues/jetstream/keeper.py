"""Keeps a group's record up to date: what has settled goes there in batches, and our hold on the group is renewed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from exporter.queues.jetstream.record import Record
from exporter.queues.jetstream.tenure import Tenure
from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable

#: How often in a lease we are heard of, when nothing settles.
_RENEWALS = 4
_RETRY_SECONDS = 0.25


class Standing(Protocol):
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


class Keeper:
    """Writes every 25 ms or 500 events while something settles. When writing fails, all stays noted."""

    def __init__(self, tenure: Tenure, owner: Standing) -> None:
        self._tenure = tenure
        self._owner = owner
        self._count = 0
        self._dirty = False
        self._writing = False
        self._some = asyncio.Event()
        self._now = asyncio.Event()
        self._callers: list[asyncio.Future[None]] = []
        self._ended = False
        self.failure: str | None = None

    @property
    def holds(self) -> bool:
        """Whether nobody else can be reading the group now."""
        return self._tenure.holds

    def note(self) -> None:
        """One more event has settled."""
        self._dirty = True
        self._count += 1
        if self._count == 1:
            self._some.set()
        elif self._count == COMMIT_MESSAGES:
            self._now.set()

    async def commit(self) -> None:
        """Return when all that was noted so far is durable.

        Raises:
            QueueUnavailable: an attempt to write it has failed; it stays noted.
        """
        if self._ended:
            raise QueueUnavailable("the subscription has ended")
        if not self._dirty and not self._writing:
            return
        caller: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._callers.append(caller)
        self._some.set()
        self._now.set()
        await caller

    async def run(self) -> None:
        """Write in time, until cancelled."""
        try:
            while True:
                if not await self._keep():
                    self._answer_all(None)
                    self._dirty = False
                    self._owner.taken_away()
                    await self._take_again()
        finally:
            self._ended = True
            self._answer_all("the subscription has ended")

    async def leave(self) -> str | None:
        """Write for the last time and leave the place free; why that failed, if it did."""
        try:
            await self._tenure.give_back(self._owner.standing())
        except QueueUnavailable as error:
            return str(error)
        return None

    async def _keep(self) -> bool:
        """Write when there is something to, until the place is lost: then False."""
        while True:
            if self.failure is None:
                await self._wait(self._some, self._tenure.lease_seconds / _RENEWALS)
                if self._some.is_set():
                    await self._wait(self._now, COMMIT_SECONDS)
            else:
                await self._wait(self._now, _RETRY_SECONDS)
            if not await self._write():
                return False
            if self.failure is not None and not self._tenure.holds:
                return False

    async def _write(self) -> bool:
        callers, self._callers = self._callers, []
        was_dirty, self._dirty = self._dirty, False
        self._count = 0
        self._some.clear()
        self._now.clear()
        self._writing = True
        failure: str | None = "the subscription has ended"
        ours = True
        try:
            ours = await self._tenure.write(self._owner.standing())
            failure = None
        except QueueUnavailable as error:
            failure = str(error)
        finally:
            self._writing = False
            self._dirty |= was_dirty and failure is not None
            _answer(callers, failure)
        self._failed(failure)
        return ours

    async def _take_again(self) -> None:
        while True:
            try:
                record, undisturbed = await self._tenure.take(self._stand)
            except QueueUnavailable as error:
                self._failed(str(error))
                self._answer_all(str(error))
                await self._wait(self._now, _RETRY_SECONDS)
                self._now.clear()
            else:
                self._failed(None)
                self._owner.given_again(record, undisturbed)
                return

    async def _stand(self) -> Record:
        return self._owner.standing()

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    def _failed(self, failure: str | None) -> None:
        if failure != self.failure:
            self.failure = failure
            self._owner.changed()

    def _answer_all(self, failure: str | None) -> None:
        callers, self._callers = self._callers, []
        _answer(callers, failure)


def _answer(callers: list[asyncio.Future[None]], failure: str | None) -> None:
    for caller in callers:
        if caller.done():
            continue
        if failure is None:
            caller.set_result(None)
        else:
            caller.set_exception(QueueUnavailable(failure))
