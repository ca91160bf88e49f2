"""A dataflow's dead letters: stored, marked, replayed; questions that every event asks are answered from memory.

Dataflows of several processes may share the store, each with different lanes. Answers about a lane are read into
memory when the lane is begun, once the previous reader can store nothing any more; no event of the lane is examined
before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final
from uuid import uuid4

from exporter.state.letter import Full, Letter, NewLetter, Outcome, Stored, Unavailable
from exporter.state.overview import StoreOverview
from exporter.state.port import StateUnavailable, every_lane
from exporter.state.profiles_with_letters import Profiles
from exporter.state.store import Delivery, LetterStore, Taken, TooLarge, Totals, Written
from exporter.state.stored_letter import Fields, fields_of, storable

#: A probe writes as many bytes as did not fit on the disk, but at most so many.
_PROBE_BYTES: Final = 1 << 20
#: So often in a row a different reader's claim to a lane is believed. With the waits between tries that is longer than
#: a queue needs to report a lost lane; a dataflow that still reads the lane then is right, and the claim is outdated.
_PATIENCE: Final = 5
_NOTHING: Final = -1


class StoredLettersOf:
    """``LettersOf`` in an open store. Nothing but ``put`` may be called before ``open`` has returned."""

    def __init__(
        self, overview: StoreOverview, store: LetterStore, destination: str, group: str, max_bytes: int
    ) -> None:
        self._overview = overview
        self._store = store
        self._destination = destination
        self._group = group
        self._max_bytes = max_bytes
        self._reader = uuid4().hex
        self._ours: Callable[[str], bool] = every_lane
        self._profiles = Profiles()
        self._newest = 0  # the id up to which letters are in ``_profiles``
        self._highest: dict[str, int] = {}  # the highest position with a letter, of begun lanes
        self._gone: set[str] = set()
        self._to_leave: set[str] = set()  # lanes of ``_gone`` of which the store was not told yet
        self._in_hand: dict[int, str] = {}
        self._refused_bytes = 0
        self._failed_bytes = 0
        self._taken = 0

    async def open(self, ours: Callable[[str], bool] = every_lane) -> None:
        """See ``LettersOf.open``."""
        found = await self._store.survey(self._destination, 0)
        seen = await self._store.overview()
        self._ours = ours
        self._profiles, self._newest = Profiles(found.profiles), found.newest
        self._highest.clear()
        self._gone.clear()
        self._to_leave.clear()
        self._overview.learn(self._destination, seen.totals.get(self._destination, Totals()))

    async def kept(self, lane: str, positions: Sequence[int]) -> frozenset[int]:
        """See ``LettersOf.kept``."""
        if lane not in self._highest:
            await self._begin(lane)
        known = [position for position in positions if position <= self._highest[lane]]
        if not known:
            return frozenset()
        return await self._store.kept(self._group, lane, known)

    async def _begin(self, lane: str) -> None:
        highest = await self._store.begin(self._group, lane, self._reader)
        # Not earlier: the previous reader may store letters until ``begin`` has returned.
        await self._learn_of_others()
        self._gone.discard(lane)
        self._to_leave.discard(lane)
        self._highest[lane] = _NOTHING if highest is None else highest

    async def _learn_of_others(self) -> None:
        found = await self._store.survey(self._destination, self._newest)
        for profile_id in found.profiles:
            self._profiles.add(profile_id)
        self._newest = max(self._newest, found.newest)

    def let_go(self, lane: str, replays: Collection[int] = ()) -> None:
        """See ``LettersOf.let_go``."""
        self._highest.pop(lane, None)
        self._gone.add(lane)
        self._to_leave.add(lane)
        self._in_hand = {each: at for each, at in self._in_hand.items() if at != lane and each not in replays}

    def concerns(self, profile_id: str) -> bool:
        """See ``LettersOf.concerns``."""
        return bool(self._profiles) and storable(profile_id) in self._profiles

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[Delivery] = ()) -> Outcome:
        """See ``LettersOf.put``."""
        ours = [letter for letter in letters if letter.lane not in self._gone]
        fields = [fields_of(letter) for letter in ours]
        # Before the write, so that ``concerns`` is never wrongly False: a letter that is not stored only costs a look.
        for letter in ours:
            if letter.profile_id is not None and not letter.superseded:
                self._profiles.add(storable(letter.profile_id))
            if letter.lane in self._highest:
                self._highest[letter.lane] = max(letter.position, self._highest[letter.lane])
        added = self._profiles.last
        marks = [(storable(profile_id), lane, position) for profile_id, lane, position in supersede]
        try:
            written = await self._store.put(
                self._destination, self._group, fields, marks, self._max_bytes, self._readers(fields)
            )
        except StateUnavailable as error:
            self._failed_bytes = sum(row["bytes"] for row in fields)
            return Unavailable(error.reason)
        match written:
            case TooLarge(growth):
                self._refused_bytes = growth
                return Full()
            case Taken(lane):
                return await self._contested(lane)
            case Written():
                self._wrote(written, added)
                return Stored()

    def _readers(self, fields: Sequence[Fields]) -> Mapping[str, str]:
        return {row["lane"]: self._reader for row in fields if row["lane"] in self._highest}

    async def _contested(self, lane: str) -> Unavailable:
        """A different reader has begun the lane since. Where the queue does not report a loss, begin the lane again."""
        self._taken += 1
        if self._taken > _PATIENCE and lane in self._highest:
            self._taken = 0
            try:
                await self._begin(lane)
            except StateUnavailable as error:
                return Unavailable(error.reason)
        return Unavailable(f"another exporter has begun to read lane {lane}; waiting for the queue to say whose it is")

    def _wrote(self, written: Written, added: int) -> None:
        self._overview.learn(self._destination, written.totals)
        if written.newest_before == self._newest:
            self._newest = written.newest
        for profile_id in written.none_left:
            self._profiles.discard(profile_id, added)
        self._refused_bytes = self._failed_bytes = self._taken = 0

    async def requested(self, limit: int) -> Sequence[Letter]:
        """See ``LettersOf.requested``."""
        asked = await self._overview.asked_of(self._destination)
        for lane in list(self._to_leave):
            # The lane may have been begun here after the loss: leaving lets the present reader store letters at once.
            await self._store.leave(self._group, lane, self._reader)
            self._to_leave.discard(lane)
        if self._overview.newest > self._newest:
            # Where partitions were added, a profile's letters may stand in a lane with a different reader.
            await self._learn_of_others()
        if not asked:
            return ()
        lanes = [lane for lane in await self._store.asked_lanes(self._destination) if self._ours(lane)]
        if not lanes:
            return ()
        found = await self._store.requested(self._destination, lanes, frozenset(self._in_hand), limit)
        # A lane that was lost during the call has a different reader now.
        letters = [letter for letter in found if self._ours(letter.lane)]
        for letter in letters:
            self._in_hand[letter.id] = letter.lane
            if letter.profile_id is not None and not letter.superseded:
                self._profiles.add(letter.profile_id)
        return letters

    async def superseded(self, letter_id: int) -> bool:
        """See ``LettersOf.superseded``."""
        send = False
        try:
            replays = await self._store.replays([letter_id])
            send = replays.get(letter_id) in ("asked", "asked_superseded")
        finally:
            if not send:
                self._in_hand.pop(letter_id, None)
        return not send

    async def delivered(self, letter_id: int) -> Stored | Unavailable:
        """See ``LettersOf.delivered``."""
        return await self._settled(letter_id, None)

    async def excluded(self, letter_id: int) -> Stored | Unavailable:
        """See ``LettersOf.excluded``."""
        return await self._settled(letter_id, None, excluded=True)

    async def failed(self, letter_id: int, letter: NewLetter) -> Stored | Unavailable:
        """See ``LettersOf.failed``."""
        return await self._settled(letter_id, letter)

    def count(self) -> int:
        """See ``LettersOf.count``."""
        return self._overview.totals_of(self._destination).letters

    async def probe(self) -> Outcome:
        """See ``LettersOf.probe``."""
        try:
            totals = await self._store.probe(self._destination, min(max(self._failed_bytes, 1), _PROBE_BYTES))
        except StateUnavailable as error:
            return Unavailable(error.reason)
        return Full() if totals.bytes + max(self._refused_bytes, 1) > self._max_bytes else Stored()

    async def _settled(
        self, letter_id: int, letter: NewLetter | None, *, excluded: bool = False
    ) -> Stored | Unavailable:
        try:
            if letter is None:
                totals = await self._store.replayed(self._destination, letter_id, excluded=excluded)
            else:
                totals = await self._store.failed(self._destination, letter_id, fields_of(letter))
        except StateUnavailable as error:
            return Unavailable(error.reason)
        self._in_hand.pop(letter_id, None)
        self._overview.learn(self._destination, totals)
        return Stored()
