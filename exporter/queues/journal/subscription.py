"""The port ``Subscription`` for a group of the journal."""

from __future__ import annotations

import asyncio
import time

from exporter.messages.message import Message
from exporter.queues.journal import tables
from exporter.queues.journal.commits import Commits
from exporter.queues.journal.fetch import Fetch
from exporter.queues.port import Batch, Lag, QueueUnavailable
from exporter.queues.positions import lag_of
from exporter.queues.progress.settled import LaneProgress, decode


class JournalSubscription:
    """``Subscription`` to a journal. Made by ``JournalQueue.subscribe``."""

    def __init__(self, standing: tables.GroupRow, first: int, fetch: Fetch, commits: Commits) -> None:
        """``first`` is where the journal begins: earlier events are gone, and do not count as lag."""
        self._group = standing.group
        self._epoch = standing.epoch
        ranges = decode(standing.settled_to, standing.ranges)
        self._progress = LaneProgress(max(standing.settled_to, first - 1), ranges)
        self._fetch = fetch
        self._commits = commits
        self._in_hand: dict[int, float] = {}  # position to ``taken_at``, in the order of the queue
        self._room = asyncio.Event()
        self._room.set()

    async def receive(self, limit: int) -> Batch:
        """A journal has a single lane, never lost."""
        await asyncio.sleep(0)
        if limit <= 0:
            await asyncio.Event().wait()
        while True:
            if self._commits.failure is not None:
                raise QueueUnavailable(f"positions cannot be written: {self._commits.failure}")
            await self._room.wait()
            growth = self._fetch.growth()
            found = await self._fetch.after(self._progress.received_to, limit)
            # Nothing from here to ``return`` waits, so a cancelled call has taken nothing.
            received = self._progress.received
            messages = [message for message in found if received(message.position)]
            if messages:
                self._in_hand.update((message.position, message.taken_at) for message in messages)
                return Batch(messages)
            if not found:
                await self._fetch.wait(growth)

    def settle(self, message: Message) -> None:
        self._progress.settle(message.position)
        if self._in_hand.pop(message.position, None) is not None:
            self._commits.settled(self)

    async def commit(self) -> None:
        await self._commits.commit()

    def reads(self, lane: str | None) -> bool:  # noqa: ARG002 - the reader has every lane
        return True

    def knows(self, lane: str) -> bool:  # noqa: ARG002 - a journal made anew has a new name
        return True

    def lag(self) -> Lag:
        """Events from other processes count after a second at the latest."""
        unread = max(0, self._fetch.last - self._progress.received_to)
        return lag_of(unread + len(self._in_hand), next(iter(self._in_hand.values()), None))

    def standing(self) -> tables.GroupRow:
        """The row to write; also stops ``receive`` while the ranges do not fit into the row."""
        settled_to, ranges = self._progress.committed()
        if self._progress.full:
            self._room.clear()
        else:
            self._room.set()
        return tables.GroupRow(self._group, settled_to, ranges, self._epoch, time.time())
