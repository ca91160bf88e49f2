"""The port of the state store: dead letters and mapping times, for any kind of store (contract.md#dead-letters)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.state.letter import Filter, Letter, NewLetter, Outcome, Stored, Summary, Unavailable

#: Namespace and id of a segment.
Segment = tuple[str, str]


class StateUnavailable(Exception):
    """The store cannot be used now; the same call may succeed later.

    Attributes:
        reason: the trouble, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def every_lane(_: str) -> bool:
    """Say yes to every lane, for the only reader of a group."""
    return True


class LettersOf(Protocol):
    """A dataflow's dead letters. Failures to write are values; failures to read raise ``StateUnavailable``."""

    async def open(self, ours: Callable[[str], bool] = every_lane) -> None:
        """Read the answers that other calls give from memory. To be called once the dataflow reads its group.

        ``ours`` says whether the letters of a lane are this dataflow's to replay now; at any time exactly one of all
        dataflows that share a group and the store may say so.

        Raises:
            StateUnavailable: nothing was read; call again.
        """
        ...

    async def kept(self, lane: str, positions: Sequence[int]) -> frozenset[int]:
        """Return the ``positions`` of ``lane`` that already have a letter, so that a restart skips the messages there.

        To be asked before anything is done with messages of a lane. The first call, and the first call after
        ``let_go``, begins the lane: letters of the lane that any process has stored until then are known from then on,
        and a store that several machines share takes no letters of the lane from earlier readers any more.

        Positions above the highest that has a letter are answered from memory.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        ...

    def let_go(self, lane: str, replays: Collection[int] = ()) -> None:
        """Leave ``lane`` to the next reader, together with ``replays``, which were given and not sent.

        Letters of the lane that are put from now on, until the lane is begun again, are not stored: the events were not
        acknowledged, so the lane's next reader has them too.
        """
        ...

    def concerns(self, profile_id: str) -> bool:
        """Whether the profile may have letters that are not superseded. In memory; False is certain, True is not."""
        ...

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[tuple[str, str, int]] = ()) -> Outcome:
        """Store letters and mark older letters as superseded, in one durable write; a key never has a second letter.

        ``supersede`` are deliveries (profile id, lane, position): every letter of the profile is marked, but for
        letters of the same lane at the position or after.
        """
        ...

    async def requested(self, limit: int) -> Sequence[Letter]:
        """Letters of this dataflow's lanes whose replay was asked for, at most ``limit``, by lane and position.

        Each is given once, until it is ``delivered``, ``excluded``, ``failed`` or let go of, or until ``superseded``
        says True or fails. Nearly free while nothing is asked for.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        ...

    async def superseded(self, letter_id: int) -> bool:
        """Whether a replay must not be sent after all. To be asked just before sending.

        True: the request is withdrawn. The letter was superseded after the replay was asked for without
        ``--superseded``, or was purged.

        Raises:
            StateUnavailable: not known; do not send. ``requested`` gives the letter again.
        """
        ...

    async def delivered(self, letter_id: int) -> Stored | Unavailable:
        """Delete the letter of a replay that was delivered."""
        ...

    async def excluded(self, letter_id: int) -> Stored | Unavailable:
        """Delete the letter of a replay that the mapping excludes by now; who waits for the replay can tell."""
        ...

    async def failed(self, letter_id: int, letter: NewLetter) -> Stored | Unavailable:
        """Update the letter of a replay that failed again; it waits for no replay now. A purged letter stays away.

        The number of attempts, ``status``, ``answer``, ``reason``, ``detail`` and ``at`` are ``letter``'s.
        """
        ...

    def count(self) -> int:
        """How many letters the destination has, superseded letters included; as of the last call or poll."""
        ...

    async def probe(self) -> Outcome:
        """Whether a letter could be stored now: write a little, and look whether what was last too large fits."""
        ...


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


class DeadLetters(Protocol):
    """The dead letters of all destinations.

    Raises:
        StateUnavailable: by every call but ``of``: the store cannot be used now.
    """

    def of(self, destination: str, group: str, max_bytes: int) -> LettersOf:
        """A dataflow's view, whose letters take at most ``max_bytes``."""
        ...

    async def page(self, which: Filter, *, after: int, limit: int) -> Sequence[Summary]:
        """At most ``limit`` letters with an id above ``after``, by id, so by the time of first storing."""
        ...

    async def letter(self, letter_id: int) -> Letter | None:
        """A letter with its event and answer."""
        ...

    async def count(self, which: Filter) -> int:
        """How many letters the filter means."""
        ...

    async def ask(self, which: Filter, *, superseded: bool) -> Asked:
        """Ask for the replay of letters; of superseded letters only if ``superseded``. The daemon does the rest."""
        ...

    async def progress(self, ids: Sequence[int]) -> Progress:
        """How far the replay of some letters is."""
        ...

    async def purge(self, which: Filter) -> int:
        """Delete letters for good; return how many."""
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


class State(Protocol):
    """An open store."""

    @property
    def identity(self) -> str:
        """A random name that the store has for good: two processes with the same name share the state."""
        ...

    async def check(self) -> None:
        """Return if the store can be read and written now.

        Raises:
            StateUnavailable: with the reason.
        """
        ...

    @property
    def letters(self) -> DeadLetters:
        """The dead letters."""
        ...

    @property
    def mapping_times(self) -> MappingTimes:
        """When segments were mapped."""
        ...
