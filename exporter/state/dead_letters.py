"""The dead letters of all destinations, for the command and for all dataflows of a process."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.letter import Answered, Filter, Letter, NewLetter, StorableLetter, Summary, restorable_letter
from exporter.state.port import LetterStore, Written
from exporter.state.shared_overview import POLL_SECONDS, SharedOverview


@dataclass(frozen=True, slots=True)
class Asked:
    """The replays that were asked for now, and how many letters were left out for being superseded."""

    ids: Sequence[int]
    left_out: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Of some letters: ids whose replay still waits, and ids of letters that are there and do not wait (any more).

    ``purged`` are those that were deleted by a purge while their replay waited, ``excluded`` those that were not sent,
    since the mapping excludes them by now. All others were delivered.
    """

    waiting: frozenset[int]
    here: frozenset[int]
    purged: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Restored:
    """How many letters were stored, how many were there, and whether there was no room for the one after them."""

    stored: int = 0
    known: int = 0
    full: bool = False


class DeadLetters:
    """The dead letters of all destinations in an open store; other processes may have the store open too.

    Raises:
        StateUnavailable: by every call but ``of``: the store cannot be used now.
    """

    def __init__(self, store: LetterStore, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._overview = SharedOverview(store, poll_seconds)

    def of(self, destination: str, group: str, max_bytes: int) -> DataflowLetters:
        """A dataflow's view, whose letters take at most ``max_bytes``."""
        return DataflowLetters(self._overview, self._store, destination, group, max_bytes)

    async def page(self, which: Filter, *, after: int, limit: int) -> Sequence[Summary]:
        """At most ``limit`` letters with an id above ``after``, by id, so by the time of first storing."""
        return await self._store.page(which, after, limit)

    async def latest(self, destination: str | None = None, *, limit: int) -> Sequence[Answered]:
        """At most ``limit`` letters of ``destination``, or of all destinations, those stored last first."""
        return await self._store.latest(destination, limit)

    async def letter(self, letter_id: int) -> Letter | None:
        """A letter with its event and answer."""
        return await self._store.letter(letter_id)

    async def answers(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        """What the endpoint answered, by id, of the letters that are there; empty where it answered nothing."""
        return await self._store.answers(letter_ids)

    async def restore(self, letters: Sequence[NewLetter], max_bytes: int) -> Restored:
        """Store letters of one destination and group durably, in their order, but for those that are there already.

        Their answers are as they were shown. Where one would make the destination's letters take more than
        ``max_bytes``, neither it nor those after it are stored.
        """
        storable: dict[tuple[str, int], StorableLetter] = {}
        for letter in letters:  # of two with one key, the first stays
            storable.setdefault((letter.lane, letter.position), restorable_letter(letter))
        if not storable:
            return Restored()
        destination, group = letters[0].destination, letters[0].group
        lanes: dict[str, list[int]] = {}
        for lane, position in storable:
            lanes.setdefault(lane, []).append(position)
        for lane, positions in lanes.items():
            for position in await self._store.kept(group, lane, positions):
                del storable[lane, position]
        restored = await self._restore(destination, group, [*storable.values()], max_bytes)
        return replace(restored, known=len(letters) - len(storable))

    async def _restore(
        self, destination: str, group: str, letters: Sequence[StorableLetter], max_bytes: int
    ) -> Restored:
        if not letters:
            return Restored()
        written = await self._store.put(destination, group, letters, (), max_bytes, {}, only_new=True)
        if isinstance(written, Written):
            return Restored(len(letters))
        if len(letters) == 1:
            return Restored(full=True)
        half = len(letters) // 2
        first = await self._restore(destination, group, letters[:half], max_bytes)
        if first.full:
            return first
        rest = await self._restore(destination, group, letters[half:], max_bytes)
        return Restored(first.stored + rest.stored, full=rest.full)

    async def count(self, *which: Filter) -> int:
        """How many letters the filters mean; no letter is meant by two."""
        return sum([await self._store.count(each) for each in which])

    async def of_others(self, which: Filter, destinations: Collection[str]) -> dict[str, int]:
        """How many letters the filter means of each destination that is not among ``destinations``."""
        others = [name for name in (await self._store.overview()).totals if name not in destinations]
        counts = {name: await self.count(replace(which, destination=name)) for name in sorted(others)}
        return {name: count for name, count in counts.items() if count}

    async def ask(self, *which: Filter, superseded: bool) -> Asked:
        """Ask for the replay of letters; of superseded letters only if ``superseded``. The daemon does the rest."""
        ids: list[int] = []
        for each in which:
            current = each if superseded else replace(each, superseded=False)
            ids.extend(await self._store.ask(current, superseded=superseded))
        left_out = 0 if superseded else await self.count(*(replace(each, superseded=True) for each in which))
        return Asked(ids, left_out)

    async def progress(self, ids: Sequence[int]) -> Progress:
        """How far the replay of some letters is."""
        replays = await self._store.replays(ids)
        here, purged, excluded = (
            frozenset(letter_id for letter_id, replay in replays.items() if replay == what)
            for what in ("none", "purged", "excluded")
        )
        return Progress(frozenset(replays) - here - purged - excluded, here, purged, excluded)

    async def purge(self, *which: Filter) -> int:
        """Delete letters for good; return how many."""
        return sum([await self._store.purge(each) for each in which])
