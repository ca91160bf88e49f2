"""What a kind of store does with dead letters. Each call is atomic, and durable when it returns.

What is answered from memory stands above it, once for all kinds: ``letters_of`` and ``deadletters``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from exporter.state.fields import Fields
from exporter.state.letter import Filter, Letter, Summary

#: Of so many purged letters it is remembered that their replay waited: who asked for it is told soon after.
PURGED_KEPT: Final = 100_000

#: A delivery: profile id, lane, position.
Delivery: TypeAlias = tuple[str, str, int]


class Totals(NamedTuple):
    """What a destination has."""

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
    """What every destination has, which of them have a replay asked of them, and the newest id."""

    totals: Mapping[str, Totals]
    asked: frozenset[str]
    newest: int


@dataclass(frozen=True, slots=True)
class Written:
    """It is stored. ``none_left`` are profiles of which no current letter is left; new letters have the ids after
    ``newest_before``, up to ``newest``."""

    totals: Totals
    none_left: Sequence[str]
    newest_before: int
    newest: int


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Nothing was stored: there is no room for so many bytes more."""

    growth: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Nothing was stored: somebody else has begun to read this lane since."""

    lane: str


class LetterStore(Protocol):
    """Every call raises ``StateUnavailable``; what was to be written then may be written all the same."""

    # -- for one dataflow

    async def survey(self, destination: str, after: int) -> Survey:
        """The profiles that have current letters with an id above ``after``."""
        ...

    async def begin(self, group: str, lane: str, reader: str) -> int | None:
        """``reader`` reads this lane from now on: the highest position that ever had a letter, as far as is known."""
        ...

    async def leave(self, group: str, lane: str, reader: str) -> None:
        """If ``reader`` was the last to begin this lane, nobody has begun it now."""
        ...

    async def kept(self, group: str, lane: str, positions: Collection[int]) -> frozenset[int]:
        """Which of these positions have a letter."""
        ...

    async def put(
        self,
        destination: str,
        group: str,
        letters: Sequence[Fields],
        supersede: Sequence[Delivery],
        max_bytes: int,
        readers: Mapping[str, str],
    ) -> Written | TooLarge | Taken:
        """Store letters and mark others, all or nothing; ``readers`` says who has begun which lane, where that matters.

        A store of processes on one machine need not look at ``readers``.
        """
        ...

    async def asked_lanes(self, destination: str) -> Sequence[str]:
        """The lanes of letters whose replay is asked for, in order."""
        ...

    async def requested(
        self, destination: str, lanes: Sequence[str], but: Collection[int], limit: int
    ) -> Sequence[Letter]:
        """Letters of these lanes whose replay is asked for, by lane and position, without ``but``."""
        ...

    async def replays(self, letter_ids: Sequence[int]) -> Mapping[int, str]:
        """The replay of each of these that is there; ``purged`` of each that was purged while one waited."""
        ...

    async def delivered(self, destination: str, letter_id: int) -> Totals:
        """Delete a letter."""
        ...

    async def failed(self, destination: str, letter_id: int, letter: Fields) -> Totals:
        """Write down how a replay failed, if the letter is there; first attempt, event and key stay."""
        ...

    async def probe(self, destination: str, filler_bytes: int) -> Totals:
        """Write so many bytes, and take them back."""
        ...

    # -- for all

    async def overview(self) -> Overview:
        """See ``Overview``."""
        ...

    async def page(self, which: Filter, after: int, limit: int) -> Sequence[Summary]:
        """Summaries in the order of ids."""
        ...

    async def letter(self, letter_id: int) -> Letter | None:
        """One, whole."""
        ...

    async def count(self, which: Filter) -> int:
        """How many there are."""
        ...

    async def ask(self, which: Filter, *, superseded: bool) -> Sequence[int]:
        """Ask for the replay of these, in several steps; what was asked for with superseded ones stays so."""
        ...

    async def purge(self, which: Filter) -> int:
        """Delete these, in several steps; returns how many there were."""
        ...
