"""Processes the intake: examines records in their order, keeps the bad ones, applies the others, and settles them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from exporter.messages.message import Message
from exporter.queues.port import Batch, LaneLost, Queue, QueueUnavailable, Subscription
from exporter.source.collection.taken import TakenRecord, UnreadableRecord
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examining import Bad, Chances, Examined, Good, examine
from exporter.source.processing.letters import Letters, Taken
from exporter.source.profiles.merge.steps import Deletion, Outcome, Step, Unlinking
from exporter.source.profiles.port import Mark, MarkMoved, ProfileStore, ProfilesUnavailable, Refused
from exporter.source.records import Identity
from exporter.state.letter import Full, Stored, Unavailable

Result = TypeVar("Result")

#: The counter in the profile store that holds the time of the newest record that is applied, in epoch milliseconds.
TAKEN = "taken"
#: The most records of one transaction.
BATCH_RECORDS = 500
#: After so many records the event loop gets a turn, so that requests are answered meanwhile.
_TURN_RECORDS = 25
#: How often a full outbox is looked at.
_ROOM_SECONDS = 0.1


@dataclass(slots=True)
class _Place:
    """A message on its way, and what it came to."""

    message: Message
    taken: Taken | None
    examined: Examined | Deletion | Unlinking

    @property
    def flow(self) -> str:
        return self.taken.flow if isinstance(self.taken, TakenRecord) else ""

    @property
    def step(self) -> Step | None:
        """What is to be applied, if anything is."""
        found = self.examined
        return found.record if isinstance(found, Good) else found if isinstance(found, Deletion | Unlinking) else None


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of what the processor does; none of them may raise.

    Attributes:
        became: what became of a record, by its flow's id: applied, unchanged, aside or bad.
        mapping_failed: mappings had no value for a record: its flow's id, and of what kind each error was.
        bug: an error of ours that made a record bad.
        told: events are in the outbox.
    """

    became: Callable[[str, str], None]
    mapping_failed: Callable[[str, Sequence[str]], None]
    bug: Callable[[Exception], None]
    told: Callable[[], None]


class Processor:
    """Processes one reading of the intake, its lanes one after the other as they come. ``run`` does the work.

    Args:
        queue: the intake.
        subscription: the reading.
        store: the profiles.
        letters: where bad records go.
        catalogue: what is in force, asked for anew with every batch.
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
        self._max_event_bytes = max_event_bytes
        self._outbox_max = outbox_max
        self._delay = delay
        self._listeners = listeners
        self._marks: dict[str, int] = {}
        #: How many events this process has put into the outbox.
        self.events = 0
        self._taken = 0
        #: Why nothing can be applied now; None where that works.
        self.failure: str | None = None

    async def run(self) -> None:
        """Process until cancelled. What is on its way is applied once, whenever that is.

        Raises:
            MarkMoved: somebody else applies a lane, too.
        """
        self._marks = dict(await self._until_it_works(lambda: self._store.marks(self._queue.name)))
        self._taken = (await self._until_it_works(lambda: self._store.counters(TAKEN))).get(TAKEN, 0)
        while True:
            await self._room()
            batch = await self._received()
            if isinstance(batch, LaneLost):
                continue
            lanes: dict[str, list[Message]] = {}
            for message in batch.messages:
                lanes.setdefault(message.lane, []).append(message)
            for lane, messages in lanes.items():
                applied_to = self._marks.get(lane, -1)  # Kafka's first offset is 0
                fresh = [message for message in messages if message.position > applied_to]
                for places in _runs([await self._examined(message, at) for at, message in enumerate(fresh)]):
                    await self._process(places)
                for message in messages:
                    self._subscription.settle(message)

    async def _received(self) -> Batch | LaneLost:
        """What the intake has next. An intake that was away works again once it says so itself: it may read nothing
        before it was asked, and the next record may be long in coming."""
        failures = 0
        while True:
            try:
                return await self._subscription.receive(BATCH_RECORDS)
            except QueueUnavailable as error:
                self.failure = str(error)
                await asyncio.sleep(self._delay(failures))
                failures += 1
                await self._until_it_works(self._queue.check)
                self.failure = None

    async def _room(self) -> None:
        """Wait while too many bytes of events wait to be told."""
        while (await self._until_it_works(self._store.counts)).outbox_bytes > self._outbox_max:
            self.failure = "too many events wait to be told"
            await asyncio.sleep(_ROOM_SECONDS)
        self.failure = None

    async def _examined(self, message: Message, at: int) -> _Place:
        if at % _TURN_RECORDS == 0:
            await asyncio.sleep(0)
        taken: Taken | None = None
        found: Examined | Deletion | Unlinking
        try:
            if (wish := Wish.in_message(message.body)) is not None:
                return _Place(message, wish, _step_of(wish))
            taken = TakenRecord.from_bytes(message.body)
            found = examine(taken, self._catalogue(), self._chances)
        except UnreadableRecord as error:
            found = Bad("bug", str(error))
        except Exception as error:
            self._listeners.bug(error)
            found = Bad("bug", "an error of the exporter's own")
        place = _Place(message, taken, found)
        if isinstance(found, Good | Bad) and found.errors:
            self._listeners.mapping_failed(place.flow, [error.kind for error in found.errors])
        return place

    async def _process(self, places: Sequence[_Place]) -> None:
        """Keep and apply records of one lane, together if that goes, with the mark behind the last."""
        await self._keep([place for place in places if isinstance(place.examined, Bad)])
        if isinstance(deletion := places[0].examined, Deletion):
            await self._forget_letters(deletion)
        good = [place for place in places if place.step is not None]
        steps = [step for place in good if (step := place.step) is not None]
        lane, to = places[-1].message.lane, places[-1].message.position
        mark = Mark(self._queue.name, lane, self._marks.get(lane, 0), to)
        newest = max((place.taken.taken for place in places if place.taken is not None), default=0)
        later = {TAKEN: newest - self._taken} if newest > self._taken else {}
        try:
            done = await self._until_it_works(
                lambda: self._store.apply(steps, self._max_event_bytes, [mark], lambda _: later)
            )
        except MarkMoved:
            raise
        except Exception as error:
            if not good:
                raise
            await self._one_by_one(places, error)
            return
        if isinstance(done, Refused):
            for index, bad in done.bad.items():
                good[index].examined = Bad(bad.reason, "the profile store refuses it", identity=_whose(steps[index]))
            await self._process(places)
            return
        self._marks[lane] = to
        self._taken += later.get(TAKEN, 0)
        names = [place.taken.xaction_id for place in good if place.taken is not None]
        await self._until_stored(lambda: self._letters.applied(names))
        if done.events:
            self.events += done.events
            self._listeners.told()
        self._tell(places, good, done.outcomes)

    async def _one_by_one(self, places: Sequence[_Place], error: Exception) -> None:
        """Find the record by which an error of ours ended the transaction."""
        if len(places) > 1:
            for place in places:
                await self._process([place])
            return
        self._listeners.bug(error)
        step = places[0].step
        whose = None if step is None else _whose(step)
        places[0].examined = Bad("bug", "an error of the exporter's own", identity=whose)
        await self._process(places)

    async def _forget_letters(self, deletion: Deletion) -> None:
        """Delete the bad records of a profile that is to be deleted: before it is, since nobody knows whose after."""
        shown = await self._until_it_works(lambda: self._store.profile(deletion.identity, deletion.taken))
        whose = [deletion.identity, *(() if shown is None else shown.identities)]
        await self._until_stored(lambda: self._letters.forget(whose, deletion.taken))

    async def _keep(self, bad: Sequence[_Place]) -> None:
        letters = [
            self._letters.of(place.message, place.taken, place.examined)
            for place in bad
            if isinstance(place.examined, Bad)
        ]
        if letters:
            await self._until_stored(lambda: self._letters.keep(letters))

    async def _until_stored(self, call: Callable[[], Awaitable[Stored | Full | Unavailable]]) -> None:
        """Try for ever while the state is away, or has no room."""
        failures = 0
        while not isinstance(outcome := await call(), Stored):
            self.failure = "there is no room for bad records" if isinstance(outcome, Full) else outcome.reason
            await asyncio.sleep(self._delay(failures))
            failures += 1
        if failures:
            self.failure = None

    def _tell(self, places: Sequence[_Place], good: Sequence[_Place], outcomes: Sequence[Outcome]) -> None:
        for place in places:
            if place.step is None:
                self._listeners.became(place.flow, "bad" if isinstance(place.examined, Bad) else "aside")
        for place, outcome in zip(good, outcomes, strict=True):
            if isinstance(place.taken, Wish):
                continue  # no record, and of no flow
            self._listeners.became(place.flow, "applied" if outcome is Outcome.TOLD else "unchanged")

    async def _until_it_works(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Try for ever while the store or the intake is away."""
        failures = 0
        while True:
            try:
                result = await call()
            except (ProfilesUnavailable, QueueUnavailable) as error:
                self.failure = str(error)
                await asyncio.sleep(self._delay(failures))
                failures += 1
            else:
                if failures:
                    self.failure = None
                return result


def _runs(places: Sequence[_Place]) -> Iterator[Sequence[_Place]]:
    """The places, cut so that each wish is alone: it concerns what stands before it, bad records included."""
    begin = 0
    for at, place in enumerate(places):
        if isinstance(place.taken, Wish):
            if begin < at:
                yield places[begin:at]
            yield places[at : at + 1]
            begin = at + 1
    if begin < len(places):
        yield places[begin:]


def _step_of(wish: Wish) -> Deletion | Unlinking:
    made = Deletion if wish.kind is WishKind.DELETE else Unlinking
    return made(wish.xaction_id, wish.taken, Identity(wish.namespace, wish.id))


def _whose(step: Step) -> Identity:
    return step.identity if isinstance(step, Deletion | Unlinking) else step.primary
