"""A dataflow's dead letters: stored, marked, replayed; questions that every event asks are answered from memory.

Dataflows of several processes may share the store, each with different lanes. Answers about a lane are read into
memory when the lane is begun, once the previous reader can store nothing any more; no event of the lane is examined
before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final
from uuid import uuid4

from exporter.state.letter import (
    Full,
    Letter,
    NewLetter,
    Outcome,
    Stored,
    Unavailable,
    size_bytes,
    storable,
    storable_letter,
)
from exporter.state.port import Delivery, LetterStore, StateUnavailable, Taken, TooLarge, Totals, Written
from exporter.state.profiles_with_letters import Profiles
from exporter.state.shared_overview import SharedOverview

#: A probe writes as many bytes as did not fit on the disk, but no more than these.
_PROBE_BYTES: Final = 1 << 20
#: How many times in a row a different reader's claim to a lane is believed. With the waits between tries that is longer
#: than a queue needs to report a lost lane; a dataflow that still reads the lane then is right, the claim outdated.
_PATIENCE: Final = 5
_NOTHING: Final = -1


def every_lane(_: str) -> bool:
    """Say yes to every lane, for the only reader of a group."""
    return True


class DataflowLetters:
    """A dataflow's dead letters in an open store. Nothing but ``put`` may be called before ``open`` has returned.

    Failures to write are values; failures to read raise ``StateUnavailable``.
    """

    def __init__(
        self, overview: SharedOverview, store: LetterStore, destination: str, group: str, max_bytes: int
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
        """Read the answers that other calls give from memory. To be called once the dataflow reads its group.

        ``ours`` says whether the letters of a lane are this dataflow's to replay now; at any time exactly one of all
        dataflows that share a group and the store may say so.

        Raises:
            StateUnavailable: nothing was read; call again.
        """
        found = await self._store.survey(self._destination, 0)
        seen = await self._store.overview()
        self._ours = ours
        self._profiles, self._newest = Profiles(found.profiles), found.newest
        self._highest.clear()
        self._gone.clear()
        self._to_leave.clear()
        self._overview.learn(self._destination, seen.totals.get(self._destination, Totals()))

    async def kept(self, lane: str, positions: Sequence[int]) -> frozenset[int]:
        """Return the ``positions`` of ``lane`` that already have a letter, so that a restart skips the messages there.

        To be asked before anything is done with messages of a lane. The first call, and the first call after
        ``let_go``, begins the lane: letters of the lane that any process has stored until then are known from then on,
        and a store that several machines share takes no letters of the lane from earlier readers any more.

        Positions above the highest that has a letter are answered from memory.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
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
        """Leave ``lane`` to the next reader, together with ``replays``, which were given and not sent.

        Letters of the lane that are put from now on, until the lane is begun again, are not stored: the events were not
        acknowledged, so the lane's next reader has them too.
        """
        self._highest.pop(lane, None)
        self._gone.add(lane)
        self._to_leave.add(lane)
        self._in_hand = {each: at for each, at in self._in_hand.items() if at != lane and each not in replays}

    def concerns(self, profile_id: str) -> bool:
        """Whether the profile may have letters that are not superseded. In memory; False is certain, True is not."""
        return bool(self._profiles) and storable(profile_id) in self._profiles

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[Delivery] = ()) -> Outcome:
        """Store letters and mark older letters as superseded, in one durable write; a key never has a second letter.

        ``supersede`` are deliveries: every letter of the profile is marked, but for letters of the same lane at the
        position or after.
        """
        ours = [storable_letter(letter) for letter in letters if letter.lane not in self._gone]
        # Before the write, so that ``concerns`` is never wrongly False: a letter that is not stored only costs a look.
        for letter in ours:
            if letter.profile_id is not None:
                self._profiles.add(letter.profile_id)
            if letter.lane in self._highest:
                self._highest[letter.lane] = max(letter.position, self._highest[letter.lane])
        added = self._profiles.last
        marks = [(storable(profile_id), lane, position) for profile_id, lane, position in supersede]
        readers = {letter.lane: self._reader for letter in ours if letter.lane in self._highest}
        try:
            written = await self._store.put(self._destination, self._group, ours, marks, self._max_bytes, readers)
        except StateUnavailable as error:
            self._failed_bytes = sum(size_bytes(letter) for letter in ours)
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
        """Letters of this dataflow's lanes whose replay was asked for, at most ``limit``, by lane and position.

        A returned letter is in hand, and is not returned again while it is. A call of ``delivered``, ``excluded``,
        ``failed`` or ``let_go`` ends that, and so does ``superseded`` where it returns True or raises. While no replay
        is asked for, a call costs next to nothing.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
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
        """Whether a replay must not be sent after all. To be asked just before sending.

        True: the request is withdrawn. The letter was superseded after the replay was asked for without
        ``--superseded``, or was purged.

        Raises:
            StateUnavailable: not known; do not send. ``requested`` gives the letter again.
        """
        send = False
        try:
            replays = await self._store.replays([letter_id])
            send = replays.get(letter_id) in ("asked", "asked_superseded")
        finally:
            if not send:
                self._in_hand.pop(letter_id, None)
        return not send

    async def delivered(self, letter_id: int) -> Stored | Unavailable:
        """Delete the letter of a replay that was delivered."""
        return await self._settled(letter_id, self._store.replayed(self._destination, letter_id, excluded=False))

    async def excluded(self, letter_id: int) -> Stored | Unavailable:
        """Delete the letter of a replay that the mapping excludes by now; who waits for the replay can tell."""
        return await self._settled(letter_id, self._store.replayed(self._destination, letter_id, excluded=True))

    async def failed(self, letter_id: int, letter: NewLetter) -> Stored | Unavailable:
        """Update the letter of a replay that failed again; it waits for no replay now. A purged letter stays away.

        The number of attempts, ``status``, ``answer``, ``reason``, ``detail`` and ``at`` are ``letter``'s.
        """
        noted = self._store.failed(self._destination, letter_id, storable_letter(letter))
        return await self._settled(letter_id, noted)

    def count(self) -> int:
        """How many letters the destination has, superseded letters included; as of the last call or poll."""
        return self._overview.totals_of(self._destination).letters

    async def probe(self) -> Outcome:
        """Whether a letter could be stored now: write a little, and look whether what was last too large fits."""
        try:
            totals = await self._store.probe(self._destination, min(max(self._failed_bytes, 1), _PROBE_BYTES))
        except StateUnavailable as error:
            return Unavailable(error.reason)
        return Full() if totals.bytes + max(self._refused_bytes, 1) > self._max_bytes else Stored()

    async def _settled(self, letter_id: int, written: Awaitable[Totals]) -> Stored | Unavailable:
        try:
            totals = await written
        except StateUnavailable as error:
            return Unavailable(error.reason)
        self._in_hand.pop(letter_id, None)
        self._overview.learn(self._destination, totals)
        return Stored()
