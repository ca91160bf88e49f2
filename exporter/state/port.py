"""The port of the state store: dead letters and mapping times, whatever keeps them (DESIGN §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.state.letter import Filter, Letter, NewLetter, Outcome, Stored, Summary, Unavailable

#: Namespace and id of a segment.
Segment = tuple[str, str]


class StateUnavailable(Exception):
    """The store cannot be read now; the same call may succeed later.

    Attributes:
        reason: what is wrong, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def every_lane(_: str) -> bool:
    """For the one reader of a group: all lanes are its own."""
    return True


class LettersOf(Protocol):
    """One dataflow's dead letters. Failures to write are values; failures to read raise ``StateUnavailable``."""

    async def open(self, ours: Callable[[str], bool] = every_lane) -> None:
        """Read what the other calls answer from memory. To be called once the dataflow reads its group.

        ``ours`` says of a lane whether its letters are this dataflow's to replay now; at any time exactly one of all
        dataflows that share a group and the store may say so.

        Raises:
            StateUnavailable: nothing was read; call it again.
        """
        ...

    async def kept(self, lane: str, positions: Sequence[int]) -> frozenset[int]:
        """Which of these positions of ``lane`` already have their letter, so that a restart skips them.

        To be asked before anything is done with messages of a lane. The first time, and the first time after
        ``let_go``, it begins the lane: what others have stored of it until then is known from then on, and a store
        that several machines share takes no letters of it from anybody who began it before.

        Positions above the highest that has a letter are answered from memory.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        ...

    def let_go(self, lane: str, replays: Collection[int] = ()) -> None:
        """Somebody else reads ``lane`` from now on, and has these ``replays`` to do, which were given and not sent.

        Letters of the lane that are put from now on, until it is begun again, are not stored: their events were not
        acknowledged, so whoever reads the lane has them too.
        """
        ...

    def concerns(self, profile_id: str) -> bool:
        """Whether the profile may have letters that are not superseded. In memory; False is certain, True is not."""
        ...

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[tuple[str, str, int]] = ()) -> Outcome:
        """Store letters and mark others as superseded, in one durable write; a letter's key is written once.

        ``supersede`` are deliveries (profile id, lane, position): every letter of that profile is marked, but for
        those of the same lane at that position or after it.
        """
        ...

    async def requested(self, limit: int) -> Sequence[Letter]:
        """Letters of our lanes whose replay was asked for, at most ``limit``, by lane and position.

        Each is given once until it is ``delivered``, ``failed`` or let go of, or ``superseded`` did not say False.
        Nearly free while nothing is asked for.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        ...

    async def superseded(self, letter_id: int) -> bool:
        """Asked just before sending a replay: True means "do not send", and the request is withdrawn.

        That is so for a letter that was superseded after the replay was asked for without ``--superseded``, and for
        one that was purged.

        Raises:
            StateUnavailable: not known; do not send. ``requested`` gives the letter again.
        """
        ...

    async def delivered(self, letter_id: int) -> Stored | Unavailable:
        """A replay was delivered: the letter goes."""
        ...

    async def failed(self, letter_id: int, letter: NewLetter) -> Stored | Unavailable:
        """A replay failed again: the letter says how, and waits for no replay. One purged meanwhile stays away.

        The number of attempts, ``status``, ``answer``, ``reason``, ``detail`` and ``at`` are ``letter``'s.
        """
        ...

    def count(self) -> int:
        """How many letters the destination has, superseded ones included; as of the last call or poll."""
        ...

    async def probe(self) -> Outcome:
        """Whether a letter could be stored now: writes a little, and looks whether what was last too large fits."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Replays that were asked for now, and how many letters were left out since they are superseded."""

    ids: Sequence[int]
    left_out: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Of some letters: those whose replay still waits, and those that are there and do not wait (any more).

    ``purged`` are those that were deleted by a purge while their replay waited. The others were delivered.
    """

    waiting: frozenset[int]
    here: frozenset[int]
    purged: frozenset[int] = frozenset()


class DeadLetters(Protocol):
    """The dead letters of all destinations. Every call but ``of`` raises ``StateUnavailable``."""

    def of(self, destination: str, group: str, max_bytes: int) -> LettersOf:
        """One dataflow's view; its letters take at most ``max_bytes``."""
        ...

    async def page(self, which: Filter, *, after: int, limit: int) -> Sequence[Summary]:
        """At most ``limit`` letters with an id above ``after``, by id, so by when they were first stored."""
        ...

    async def letter(self, letter_id: int) -> Letter | None:
        """One letter with its event and answer."""
        ...

    async def count(self, which: Filter) -> int:
        """How many letters there are of these."""
        ...

    async def ask(self, which: Filter, *, superseded: bool) -> Asked:
        """Ask for the replay of these; superseded ones only if ``superseded``. The daemon does the rest."""
        ...

    async def progress(self, ids: Sequence[int]) -> Progress:
        """How far the replay of these letters is."""
        ...

    async def purge(self, which: Filter) -> int:
        """Delete these for good; returns how many."""
        ...


class MappingTimes(Protocol):
    """When a destination's segments were mapped, where the configuration does not say (DESIGN §2.4)."""

    async def first_seen(
        self, destination: str, segments: Sequence[Segment], now_ms: int
    ) -> Mapping[Segment, tuple[int, int]]:
        """(created, updated) of each mapping, epoch milliseconds; one that is new is durably noted as ``now_ms``.

        Raises:
            StateUnavailable: a new one could not be noted.
        """
        ...

    async def known(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        """The same for every mapping that was ever noted; notes nothing.

        Raises:
            StateUnavailable: the store cannot be read now.
        """
        ...


class State(Protocol):
    """An open store."""

    @property
    def identity(self) -> str:
        """A random name that the store has for good: two processes with the same one share their state."""
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
