"""What a kind of store provides: dead letters that are durable, and mapping times (contract.md#dead-letters).

Above this port, once for all kinds, ``dead_letters`` and ``dataflow_letters`` answer from memory what every event asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from exporter.state.letter import Answered, Filter, Letter, StorableLetter, Summary

#: The number of replays that ended without being sent and are remembered, with the reason, after the letter was
#: deleted: the command that asked for a replay can say what became of it.
UNSENT_KEPT: Final = 100_000

#: Namespace and id of a segment.
Segment: TypeAlias = tuple[str, str]
#: A delivery: profile id, lane, position.
Delivery: TypeAlias = tuple[str, str, int]


class StateUnavailable(Exception):
    """The store cannot be used now; the same call may succeed later.

    Attributes:
        reason: the trouble, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Totals(NamedTuple):
    """How many letters and bytes a destination has."""

    letters: int = 0
    bytes: int = 0


class Survey(NamedTuple):
    """The profiles of a destination with letters that are not superseded, and the newest id of the whole store.

    A letter that is stored while the profiles are being read has a higher id than ``newest``.
    """

    profiles: Collection[str]
    newest: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The totals of every destination, the destinations with a replay that waits, and the newest id."""

    totals: Mapping[str, Totals]
    asked: frozenset[str]
    newest: int


@dataclass(frozen=True, slots=True)
class Written:
    """The letters are stored.

    ``none_left`` are profiles of which no current letter is left; new letters have the ids after ``newest_before``, up
    to ``newest``.
    """

    totals: Totals
    none_left: Sequence[str]
    newest_before: int
    newest: int


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Nothing was stored: there is no room for the ``growth``, in bytes."""

    growth: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Nothing was stored: a different reader has begun ``lane`` since."""

    lane: str


class LetterStore(Protocol):
    """The dead letters of an open store. A write is durable on return, and atomic but for ``ask`` and ``purge``.

    A letter is *current* until it is superseded.

    Raises:
        StateUnavailable: by every call; a write may have been done all the same.
    """

    # -- for one dataflow

    async def survey(self, destination: str, after: int) -> Survey:
        """The profiles that have current letters with an id above ``after``."""
        ...

    async def begin(self, group: str, lane: str, reader: str) -> int | None:
        """Make ``reader`` the lane's reader; return the highest position that ever had a letter, as far as known."""
        ...

    async def leave(self, group: str, lane: str, reader: str) -> None:
        """If ``reader`` was the last to begin the lane, the lane has no reader now."""
        ...

    async def kept(self, group: str, lane: str, positions: Collection[int]) -> frozenset[int]:
        """The positions that have a letter."""
        ...

    async def put(
        self,
        destination: str,
        group: str,
        letters: Sequence[StorableLetter],
        supersede: Sequence[Delivery],
        max_bytes: int,
        readers: Mapping[str, str],
        *,
        only_new: bool = False,
    ) -> Written | TooLarge | Taken:
        """Store letters, each in the place of a letter with the same key, and mark superseded letters; all or nothing.

        With ``only_new`` a letter with the same key stays as it is, and the new one is left out.
        A letter that is larger than all of ``max_bytes`` may have the room alone: otherwise it would never fit.
        ``readers`` says which reader has begun which lane, where that matters; a store of processes on one machine need
        not look.
        """
        ...

    async def asked_lanes(self, destination: str) -> Sequence[str]:
        """The lanes of letters whose replay is asked for, in order."""
        ...

    async def requested(
        self, destination: str, lanes: Sequence[str], but: Collection[int], limit: int
    ) -> Sequence[Letter]:
        """Letters of ``lanes`` whose replay is asked for, by lane and position, without the ids ``but``."""
        ...

    async def replays(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        """The ``Replay`` of each letter that is there, by id; for one that was deleted unsent, why:

        ``purged`` while its replay waited, or ``excluded``.
        """
        ...

    async def replayed(self, destination: str, letter_id: int, *, excluded: bool) -> Totals:
        """Delete a letter; remember for a while that its replay was ``excluded``, if it was."""
        ...

    async def failed(self, destination: str, letter_id: int, letter: StorableLetter) -> Totals:
        """Note how a replay failed, if the letter is there; first attempt, event and key stay."""
        ...

    async def probe(self, destination: str, filler_bytes: int) -> Totals:
        """Write ``filler_bytes`` bytes as a test; no letter is touched."""
        ...

    # -- for all

    async def overview(self) -> Overview:
        """The totals of every destination, where replays wait, and the newest id."""
        ...

    async def page(self, which: Filter, after: int, limit: int) -> Sequence[Summary]:
        """Summaries in the order of ids."""
        ...

    async def latest(self, destination: str | None, limit: int) -> Sequence[Answered]:
        """The letters with the highest ids, of one destination or of all, the highest first."""
        ...

    async def letter(self, letter_id: int) -> Letter | None:
        """A whole letter."""
        ...

    async def answers(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        """The answers of the letters that are there, by id."""
        ...

    async def count(self, which: Filter) -> int:
        """How many letters the filter means."""
        ...

    async def ask(self, which: Filter, *, superseded: bool) -> Sequence[int]:
        """Ask for the replay of letters, in several steps; ``asked_superseded`` never falls back to ``asked``."""
        ...

    async def purge(self, which: Filter) -> int:
        """Delete letters, in several steps; return how many there were."""
        ...


class MappingTimes(Protocol):
    """When a destination's segments were mapped, where the configuration does not say (contract.md#configuration)."""

    async def first_seen(
        self, destination: str, segments: Sequence[Segment], now_ms: int
    ) -> Mapping[Segment, tuple[int, int]]:
        """(created, updated) of each mapping, epoch milliseconds; a new mapping is durably noted as ``now_ms``.

        Raises:
            StateUnavailable: the store cannot be read, or a new mapping could not be noted.
        """
        ...

    async def known(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        """(created, updated) of every mapping that was ever noted, epoch milliseconds; notes nothing.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        ...
