"""Tells the events of the outbox: puts them on the product's queue in their order, each once, and then forgets them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter

import msgspec

from exporter.profile.event.times import parse_time
from exporter.queues.port import EventTooLarge, Numbered, Outgoing, Queue, QueueFull, QueueUnavailable
from exporter.source.profiles.port import ProfileStore, ProfilesUnavailable, Told
from exporter.tasks.background import in_background

#: So many are on their way at a time.
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
#: So many are deleted together where more are to be told: all that a transaction told, so that the next deletes all.
_FORGOTTEN_TOGETHER = 4 * BATCH_EVENTS
#: How often the outbox is looked at where nobody says that there is more.
LOOK_SECONDS = 1.0
#: A queue that takes events for so long without an answer keeps changes from being told, whatever comes of it.
ANSWER_SECONDS = 10.0


class _Times(msgspec.Struct):
    """The part of an event that says how old it may be."""

    occurredAt: str  # noqa: N815 - the event's own key


_TIMES = msgspec.json.Decoder(_Times)


class Teller:
    """Empties the outbox of ``store`` into ``queue``. ``run`` does the work.

    Args:
        store: whose outbox it is.
        queue: the product's.
        delay: the seconds before try n of what is away, n from 0.
        refused: is told how many events the queue can never take: its limit was lowered after they were made.
        left_out: is told how many events the queue left out, since it has them: a process that ended before it could
            note that had put them there.
    """

    def __init__(
        self,
        store: ProfileStore,
        queue: Queue,
        delay: Callable[[int], float],
        refused: Callable[[int], None],
        left_out: Callable[[int], None],
    ) -> None:
        self._store = store
        self._queue = queue
        self._delay = delay
        self._refused = refused
        self._left_out = left_out
        self._more = asyncio.Event()
        self._more.set()
        #: Number of the last event that is on the queue, as far as is known.
        self.told_to = 0
        #: How many events this process has taken out of the outbox.
        self.told = 0
        #: How many of these the queue did not take for their size.
        self.lost = 0
        self._forgotten_to = 0
        self._published = asyncio.Event()
        self._failure: str | None = None
        self._unanswered: str | None = None
        self._not_forgotten: str | None = None

    @property
    def failure(self) -> str | None:
        """Why nothing can be told now; None where that works."""
        return self._failure or self._unanswered or self._not_forgotten

    def look(self) -> None:
        """There may be more to tell."""
        self._more.set()

    async def run(self) -> None:
        """Tell until cancelled; what cannot be told waits."""
        async with in_background(self._forget):
            await self._tell_all()

    async def _tell_all(self) -> None:
        failures = 0
        while True:
            # Commands that change profiles put events here, too, and nobody hears of them.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._more.wait()
            self._more.clear()
            try:
                more = True
                while more:
                    events = await self._store.told(self.told_to, BATCH_EVENTS, BATCH_BYTES)
                    more = bool(events)
                    for _, of_one_producer in groupby(events, attrgetter("producer")):
                        await self._tell(list(of_one_producer))
                    if self.told_to - self._forgotten_to >= (_FORGOTTEN_TOGETHER if more else 1):
                        self._published.set()
                    failures, self._failure = 0, None
            except (QueueFull, QueueUnavailable, ProfilesUnavailable) as error:
                self._failure = str(error)
                await asyncio.sleep(self._delay(failures))
                failures += 1
                self._more.set()

    async def _forget(self) -> None:
        """Delete what is told, beside the telling: a store that is written to would make it wait."""
        failures = 0
        while True:
            await self._published.wait()
            self._published.clear()
            self._forgotten_to = self.told_to
            try:
                await self._store.delete_told(self.told_to)
                failures, self._not_forgotten = 0, None
            except ProfilesUnavailable as error:
                self._not_forgotten = str(error)
                await asyncio.sleep(self._delay(failures))
                failures += 1
                self._published.set()

    async def _tell(self, events: Sequence[Told]) -> None:
        first = events[0]
        numbered = Numbered(first.producer, first.number, parse_time(_TIMES.decode(first.body).occurredAt) or 0.0)
        late = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._is_late)
        try:
            left_out = await self._queue.publish([Outgoing(event.profile_id, event.body) for event in events], numbered)
            if left_out:
                self._left_out(left_out)
        except EventTooLarge as error:
            self.lost += len(error.indexes)
            self._refused(len(error.indexes))
        finally:
            late.cancel()
            self._unanswered = None
        self.told_to = events[-1].number
        self.told += len(events)

    def _is_late(self) -> None:
        self._unanswered = f"the queue has not answered for {ANSWER_SECONDS:g} s"
