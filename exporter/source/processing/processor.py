"""Processes the intake: keeps the records that are bad, applies the others in their order, and settles them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from exporter.queues.port import Queue, Subscription
from exporter.source.processing.ahead import Ahead
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examined import Bad, Chances, Examined
from exporter.source.processing.letters import Letters
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.places import Place, place_of, runs
from exporter.source.processing.refusal import refused_by_store
from exporter.source.processing.tallying import Tallying
from exporter.source.profiles.merge.steps import Deletion, Step, Unlinking
from exporter.source.profiles.port import Mark, MarkMoved, ProfileStore, ProfilesUnavailable, Refused
from exporter.source.records import Identity
from exporter.state.letter import Full, Stored, Unavailable
from exporter.tasks.background import in_background

Result = TypeVar("Result")

#: The counter in the profile store that holds the time of the newest record that is applied, in epoch milliseconds.
TAKEN = "taken"
#: What is wrong where bad records have no room; what is taken waits in the intake.
NO_ROOM = (
    "there is no room for bad records: they take bad_records_max_bytes; `exporter source deadletters purge` makes room"
)
#: How often a full outbox is looked at.
_ROOM_SECONDS = 0.1


class Processor:
    """Processes one reading of the intake, its lanes one after the other as they come. ``run`` does the work.

    Args:
        queue: the intake.
        subscription: the reading.
        store: the profiles.
        letters: where bad records go.
        catalogue: what is in force, asked for anew with every batch, and where bad records wait for room.
        chances: what mappings may ask for.
        max_event_bytes: a record whose event would be larger is bad.
        outbox_max: bytes of events that wait to be told, beyond which nothing is applied.
        delay: the seconds before try n of what is away, n from 0.
        listeners: see there.
    """

    def __init__(
        self,
        queue: Queue,
        subscription: Subscription,
        store: ProfileStore,
        letters: Letters,
        catalogue: Callable[[], Catalogue],
        chances: Chances,
        max_event_bytes: int,
        outbox_max: int,
        delay: Callable[[int], float],
        listeners: Listeners,
    ) -> None:
        self._queue = queue
        self._subscription = subscription
        self._store = store
        self._letters = letters
        self._catalogue = catalogue
        self._chances = chances
        self._ahead = Ahead(queue, subscription, catalogue, chances, delay, listeners)
        self._max_event_bytes = max_event_bytes
        self._outbox_max = outbox_max
        self._delay = delay
        self._listeners = listeners
        self._marks: dict[str, int] = {}
        #: How many events this process has put into the outbox.
        self.events = 0
        self._taken = 0
        self._failure: str | None = None

    @property
    def failure(self) -> str | None:
        """Why nothing can be applied now; None where that works."""
        return self._failure or self._ahead.failure

    async def run(self) -> None:
        """Process until cancelled. What is on its way is applied once, whenever that is.

        Raises:
            MarkMoved: somebody else applies a lane, too.
        """
        self._marks = dict(await self._until_it_works(lambda: self._store.marks(self._queue.name)))
        self._taken = (await self._until_it_works(lambda: self._store.counters(TAKEN))).get(TAKEN, 0)
        async with in_background(self._ahead.run):
            while True:
                lanes: dict[str, list[Place]] = {}
                for place in await self._ahead.next():
                    lanes.setdefault(place.message.lane, []).append(place)
                for lane, places in lanes.items():
                    await self._room()
                    applied_to = self._marks.get(lane, -1)  # Kafka's first offset is 0
                    for some in runs([place for place in places if place.message.position > applied_to]):
                        await self._process(some)
                    for place in places:
                        self._subscription.settle(place.message)

    async def _room(self) -> None:
        """Wait while too many bytes of events wait to be told."""
        while (await self._until_it_works(self._store.counts)).outbox_bytes > self._outbox_max:
            self._failure = "too many events wait to be told"
            await asyncio.sleep(_ROOM_SECONDS)
        self._failure = None

    async def _process(self, places: Sequence[Place]) -> None:
        """Keep and apply records of one lane, together if that goes, with the mark behind the last."""
        if not await self._keep(places):
            # What has room must not wait for what has none: the records before it are applied, the bad ones kept.
            half = len(places) // 2
            await self._process(places[:half])
            await self._process(places[half:])
            return
        if isinstance(deletion := places[0].step, Deletion):
            await self._forget_letters(deletion)
        good = [(place, step) for place in places if (step := place.step) is not None]
        steps = [step for _, step in good]
        lane, to = places[-1].message.lane, places[-1].message.position
        mark = Mark(self._queue.name, lane, self._marks.get(lane, 0), to)
        newest = max([place.taken.taken for place in places if place.taken is not None], default=0)
        later = {TAKEN: newest - self._taken} if newest > self._taken else {}
        tally = Tallying(places, later, self._letters.epoch)
        try:
            done = await self._until_it_works(lambda: self._store.apply(steps, self._max_event_bytes, [mark], tally))
        except MarkMoved:
            raise
        except Exception as error:
            if not good:
                raise
            await self._one_by_one(places, error)
            return
        if isinstance(done, Refused):
            for index, bad in done.bad.items():
                place, step = good[index]
                place.fail(refused_by_store(bad, _whose(step)))
            await self._process(places)
            return
        self._marks[lane] = to
        self._taken += later.get(TAKEN, 0)
        names = [step.xaction_id for step in steps]
        await self._until_stored(lambda: self._letters.applied(names))
        if done.events:
            self.events += done.events
            self._listeners.told()
        for (flow, outcome), count in tally.became.items():
            self._listeners.became(flow, outcome, count)

    async def _one_by_one(self, places: Sequence[Place], error: Exception) -> None:
        """Find the record by which an error of ours ended the transaction."""
        if len(places) > 1:
            for place in places:
                await self._process([place])
            return
        self._listeners.bug(error)
        step = places[0].step
        whose = None if step is None else _whose(step)
        places[0].fail(Bad("bug", "an error of the exporter's own", identity=whose))
        await self._process(places)

    async def _forget_letters(self, deletion: Deletion) -> None:
        """Delete the bad records of a profile that is to be deleted: before it is, since nobody knows whose after."""
        shown = await self._until_it_works(lambda: self._store.profile(deletion.identity, deletion.taken))
        whose = [deletion.identity, *(() if shown is None else shown.identities)]
        await self._until_stored(lambda: self._letters.forget(whose, deletion.taken))

    async def _keep(self, places: Sequence[Place]) -> bool:
        """Keep the bad ones among ``places``; False, and none kept, where several places have no room together."""

        async def keep() -> Stored | Full | Unavailable:
            letters = [
                self._letters.of(place.message, place.taken, bad)
                for place in places
                if isinstance(bad := self._examined(place), Bad)
            ]
            return await self._letters.keep(letters) if letters else Stored()

        return await self._until_stored(keep, divisible=len(places) > 1)

    def _examined(self, place: Place) -> Examined | None:
        """What a message comes to. A bad record may have waited for room, and been made good by a mapping meanwhile."""
        if isinstance(place.examined, Bad) and (now := self._catalogue()) is not place.by:
            place.again(place_of(place.message, now, self._chances, self._listeners.bug))
        return place.examined

    async def _until_stored(
        self, call: Callable[[], Awaitable[Stored | Full | Unavailable]], *, divisible: bool = False
    ) -> bool:
        """Try for ever while the state is away, or has no room; False, at once, where less may have room."""
        failures = 0
        while not isinstance(outcome := await call(), Stored):
            if divisible and isinstance(outcome, Full):
                break
            self._failure = NO_ROOM if isinstance(outcome, Full) else outcome.reason
            await asyncio.sleep(self._delay(failures))
            failures += 1
        if failures:
            self._failure = None
        return isinstance(outcome, Stored)

    async def _until_it_works(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Try for ever while the store is away."""
        failures = 0
        while True:
            try:
                result = await call()
            except ProfilesUnavailable as error:
                self._failure = str(error)
                await asyncio.sleep(self._delay(failures))
                failures += 1
            else:
                if failures:
                    self._failure = None
                return result


def _whose(step: Step) -> Identity:
    return step.identity if isinstance(step, Deletion | Unlinking) else step.primary
