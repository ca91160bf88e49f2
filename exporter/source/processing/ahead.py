"""Examines the records of the intake ahead of what is applied: one is done while the other waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from exporter.messages.message import Message
from exporter.queues.port import LaneLost, Queue, QueueUnavailable, Subscription
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examined import Bad, Chances, Good
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.places import Place, place_of

#: So many records are received at a time.
BATCH_RECORDS = 500
#: No more are received while so many records, or bytes of them, are ahead. The more become one transaction, the fewer
#: times a page of the store that several of them concern is written.
_AHEAD_RECORDS = 1000
_AHEAD_BYTES = 8 * 1024 * 1024
#: After so many records the event loop gets a turn, so that requests are answered meanwhile.
_TURN_RECORDS = 25


class Ahead:
    """Reads ``subscription`` and examines what comes. ``run`` does the work; ``next`` hands it out.

    Args:
        queue: the intake.
        subscription: the reading of the intake.
        catalogue: what is in force, asked for anew as records are examined.
        chances: what mappings may ask for.
        delay: the seconds before try n of an intake that is away, n from 0.
        listeners: see there.
    """

    def __init__(
        self,
        queue: Queue,
        subscription: Subscription,
        catalogue: Callable[[], Catalogue],
        chances: Chances,
        delay: Callable[[int], float],
        listeners: Listeners,
    ) -> None:
        self._queue = queue
        self._subscription = subscription
        self._catalogue = catalogue
        self._chances = chances
        self._delay = delay
        self._listeners = listeners
        self._places: list[Place] = []
        self._bytes = 0
        self._in_hand = False  # what ``next`` returned last
        self._changed = asyncio.Condition()
        #: Why nothing can be read now; None where that works.
        self.failure: str | None = None

    async def next(self) -> Sequence[Place]:
        """All that is examined and was not handed out before, in the order of the intake; waits for something.

        The call says that the caller has done with all that was handed out before.
        """
        async with self._changed:
            self._in_hand = False
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._places)
            places, self._places, self._bytes = self._places, [], 0
            self._in_hand = True
            self._changed.notify_all()
            return places

    async def run(self) -> None:
        """Read and examine until cancelled."""
        failures = 0
        while True:
            async with self._changed:
                await self._changed.wait_for(self._has_room)
            try:
                if self.failure is not None:
                    # An intake that was away may read nothing before it was asked, and works again once it says so: the
                    # next record may be long in coming.
                    await self._queue.check()
                    self.failure = None
                batch = await self._subscription.receive(BATCH_RECORDS)
            except QueueUnavailable as error:
                self.failure = str(error)
                await asyncio.sleep(self._delay(failures))
                failures += 1
                continue
            failures = 0
            async with self._changed:
                if isinstance(batch, LaneLost):
                    # What is on its way is done with before the next call of ``receive``, which completes the loss.
                    await self._changed.wait_for(lambda: not (self._places or self._in_hand))
                    continue
            examined = await self._examined(batch.messages)
            async with self._changed:
                self._places += examined
                self._bytes += sum([len(message.body) for message in batch.messages])
                self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._places) < _AHEAD_RECORDS and self._bytes < _AHEAD_BYTES

    async def _examined(self, messages: Sequence[Message]) -> list[Place]:
        places: list[Place] = []
        for begin in range(0, len(messages), _TURN_RECORDS):
            await asyncio.sleep(0)
            catalogue = self._catalogue()
            for message in messages[begin : begin + _TURN_RECORDS]:
                place = place_of(message, catalogue, self._chances, self._listeners.bug)
                places.append(place)
                found = place.examined
                if isinstance(found, (Good, Bad)) and found.errors:
                    self._listeners.mapping_failed(place.flow, [error.kind for error in found.errors])
                if isinstance(found, Good) and found.warnings:
                    self._listeners.warned(place.flow, [warning.kind for warning in found.warnings])
        return places
