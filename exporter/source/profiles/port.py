"""The port that a profile store implements: apply, tell, read, backfill.

Contract, held by ``tests/source/profiles/contract_of_profiles.py`` for every kind:

* ``apply`` is one transaction: the profiles, the events, the counters and the marks of the lanes are durable together
  when it returns, or nothing is.
* Events have numbers that grow and never come back, in the order in which the changes were applied. An event is there
  until it is deleted. Each opening of a store gives its events a producer's name of its own: what is put into a copy of
  the store, or into a store that came back from a copy, never has producer and number of an event put elsewhere.
* A lane's mark moves only from where the caller believes that it is, so that nothing is applied twice or skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec

from exporter.source.profiles.merge.steps import Bad, Outcome, Step
from exporter.source.profiles.tally import Part, Tally
from exporter.source.records import Identity

#: Namespace and id of a segment.
Segment: TypeAlias = tuple[str, str]
#: What is counted, given the outcome of each step. Called within the transaction, on another thread.
Tallying: TypeAlias = Callable[[Sequence[Outcome]], Tally]


class ProfilesUnavailable(Exception):
    """The store cannot be used now; the same call may succeed later.

    Attributes:
        reason: the trouble, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MarkMoved(Exception):
    """A lane is not applied up to where the caller believes: somebody else applies it, too. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to which position a lane of a queue is applied: from ``after``, 0 for a new lane, on to ``to``."""

    queue: str
    lane: str
    after: int
    to: int


@dataclass(frozen=True, slots=True)
class Applied:
    """All steps were applied, and are durable: the outcome of each, how many events they made, and what they joined."""

    outcomes: Sequence[Outcome]
    events: int
    joins: int
    refused_links: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was written: these steps, by place, are bad. To be applied again without them, once they are kept."""

    bad: Mapping[int, Bad]


class Told(msgspec.Struct, frozen=True, gc=False):
    """An event in the outbox, with the id of its profile; ``producer`` is the opening that put it there."""

    producer: str
    number: int
    profile_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is, and since the store was made, how many profiles were joined and links refused."""

    profiles: int
    identities: int
    joins: int
    refused_links: int
    outbox_events: int
    outbox_bytes: int


@dataclass(frozen=True, slots=True)
class ShownProfile:
    """A profile for people.

    Attributes:
        profile_id: as in events.
        entity: the view, with ``segmentMembership`` and ``identityMap``.
        sources: the datasets that say something of it.
        tags: the xactionIds of the records whose values are there.
        identities: all that are linked.
        modified: epoch milliseconds of the last record that changed something.
    """

    profile_id: str
    entity: Mapping[str, Any]
    sources: Sequence[str]
    tags: Sequence[str]
    identities: Sequence[Identity]
    modified: int


@dataclass(frozen=True, slots=True)
class Happened:
    """A record of a time series, as it was kept: whose, its xactionId, epoch milliseconds at which it was taken."""

    identity: Identity
    xaction_id: str
    taken: int
    dataset: str
    entity: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill of a destination, of ``segments``, or of all profiles where there are none.

    ``number`` is in the ids of its events, ``mapped`` the time of mapping in epoch milliseconds; ``skipped`` profiles
    of those ``done`` were not told, since the event would be too large.
    """

    number: int
    destination: str
    segments: Sequence[Segment]
    mapped: int
    done: int
    total: int
    skipped: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Profiles as lines of JSON, and after which number the next page begins; None: there is no more."""

    lines: Sequence[bytes]
    next: int | None


@dataclass(frozen=True, slots=True)
class Imported:
    """How many profiles were stored, and how many lines were left out since an identity of theirs is there already."""

    stored: int
    known: int


@dataclass(frozen=True, slots=True)
class Swept:
    """How many profiles a sweep changed, and after which number it goes on; None: it is through."""

    changed: int
    next: int | None


class ProfileStore(Protocol):
    """An open store. Every method raises ``ProfilesUnavailable`` where the store cannot be used now."""

    @property
    def name(self) -> str:
        """The producer of what this opening puts into the outbox: no other opening, of any store, has that name."""
        ...

    async def apply(
        self, steps: Sequence[Step], max_event_bytes: int, marks: Sequence[Mark] = (), tally: Tallying | None = None
    ) -> Applied | Refused:
        """Apply ``steps`` in order, and move ``marks``. Any other exception than those below is a bug in a step.

        Whatever is raised, nothing was written, so the caller can find the step that is at fault by halves.

        Raises:
            MarkMoved: a lane stands elsewhere.
        """
        ...

    async def marks(self, queue: str) -> Mapping[str, int]:
        """Up to which position each lane of a queue is applied."""
        ...

    async def counters(self, beginning: str = "") -> Mapping[str, int]:
        """The counters whose names begin so."""
        ...

    async def runs(
        self,
        since: int,
        beyond: tuple[int, str] | None,
        limit: int,
        *,
        flow: str | None = None,
        failed: bool = False,
    ) -> Sequence[Part]:
        """What was counted of at most ``limit`` pairs of hour and flow, the newest first, each pair whole.

        Of hours from ``since`` on, in epoch milliseconds, and of pairs that come after the pair ``beyond``; only of
        ``flow`` where that is given, and only of pairs with records that failed where ``failed``.
        """
        ...

    async def drop_runs(self, before: int, limit: int) -> int:
        """Forget what was counted of hours before ``before``; return how many rows, ``limit`` of a kind at most."""
        ...

    async def told(self, after: int, limit: int, max_bytes: int) -> Sequence[Told]:
        """Events of the outbox with numbers above ``after``, in order; at least one if there is any."""
        ...

    async def delete_told(self, to: int) -> None:
        """Delete the events up to number ``to``. A power cut may undo that."""
        ...

    async def counts(self) -> Counts:
        """How much there is."""
        ...

    async def profile(self, identity: Identity, at: int) -> ShownProfile | None:
        """The profile that has an identity, as it is at ``at``, in epoch milliseconds."""
        ...

    async def time_series(self, identity: Identity, since: int, until: int, limit: int) -> Sequence[Happened]:
        """What is kept of what happened to the profile that has an identity: the oldest ``limit`` records.

        Of those that were taken from ``since`` on and before ``until``, in epoch milliseconds.
        """
        ...

    async def drop_time_series(self, before: int, limit: int) -> int:
        """Forget at most ``limit`` records of time series that were taken before ``before``; return how many."""
        ...

    async def begin_backfill(self, destination: str, segments: Sequence[Segment], mapped: int) -> Backfill | None:
        """Begin a backfill of those of ``segments`` of which none was begun for this destination and time of mapping.

        Without ``segments``, of all profiles. None: all of that was begun before.
        """
        ...

    async def backfill(self, number: int, limit: int, at: int, max_event_bytes: int) -> Backfill:
        """Tell the next ``limit`` profiles of a backfill; where there is no other, the backfill is finished.

        Raises:
            KeyError: there is no such backfill.
        """
        ...

    async def backfills(self) -> Sequence[Backfill]:
        """All backfills, the first first."""
        ...

    async def forget_dataset(
        self, dataset: str, event_id: str, at: int, max_event_bytes: int, after: int, limit: int
    ) -> Swept:
        """Take what ``dataset`` said from the next ``limit`` profiles after number ``after``, and tell it.

        The ids of the events are ``<event_id>:<profile id>``; ``at`` is their time, in epoch milliseconds. The first
        call, ``after`` 0, forgets the dataset's records of time series, too.
        """
        ...

    async def lapse(self, ttl_ms: int, event_id: str, at: int, max_event_bytes: int, after: int, limit: int) -> Swept:
        """Let the next ``limit`` profiles leave segments of which they had no news for ``ttl_ms``; as above."""
        ...

    async def export_profiles(self, after: int, limit: int) -> Page:
        """The next ``limit`` profiles after number ``after``, oldest first."""
        ...

    async def import_profiles(self, lines: Sequence[bytes]) -> Imported:
        """Store exported profiles; nothing is told.

        Raises:
            ValueError: a line is no exported profile, with its place; nothing was stored.
        """
        ...

    async def check(self) -> None:
        """Return if the store can be read and written now."""
        ...
