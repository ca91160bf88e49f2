"""The profiles that one transaction touches, in memory: steps are applied here one by one, and written as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exporter.source.profiles.merge.change import Change, combined
from exporter.source.profiles.merge.event import event_of, shown
from exporter.source.profiles.merge.leaves import Flattened, Paths
from exporter.source.profiles.merge.naming import Named, profile_id_of
from exporter.source.profiles.merge.profile import Known, Members, Profile, decoded, encoded
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Event
from exporter.source.profiles.merge.times import Times
from exporter.source.profiles.merge.view import view_of
from exporter.source.records import Identity, Record


class Telling:
    """An event that may be told, and the place of the event that is then told no more."""

    __slots__ = ("change", "event", "instead_of")

    def __init__(self, event: Event, change: Change, instead_of: int | None) -> None:
        self.event = event
        self.change = change
        self.instead_of = instead_of


class Workspace:
    """Profiles by number. What was read is never changed; what becomes of it is in the attributes.

    ``keys`` are those of identities, as far as they are at hand. A profile is read from its row whenever it is asked
    for, and written to a row at once: a thousand profiles as objects are more than a processor's cache holds, so that
    each would be fetched from memory to be read, to be written, and to be freed.

    Attributes:
        rules: how to merge.
        paths: those that entities have had.
        numbers: identity to the number of its profile; None where there is none.
        rows: of all profiles that are there now; a number grows with each new profile, so the lowest is the oldest.
        touched: numbers of profiles that are new or changed.
        gone: numbers of profiles that are no more.
        members: the memberships of profiles before and now, where these are other ones.
        moved: identities whose profile is another one now, or none.
        erased: identity to the time of a deletion, in epoch milliseconds; those of this transaction are in
            ``erasing``, too.
        events: what is told, in order.
        happened: records of time series that are to be kept.
        joins: how many profiles were absorbed.
        refused_links: how many identities were not linked.
    """

    def __init__(
        self,
        rules: Rules,
        paths: Paths,
        max_event_bytes: int,
        numbers: Mapping[Named, int],
        rows: Mapping[int, bytes],
        erased: Mapping[Named, int],
        next_number: int,
        keys: Mapping[Named, bytes],
    ) -> None:
        self.rules = rules
        self.paths = paths
        self.numbers: dict[Named, int | None] = dict(numbers)
        self.rows = dict(rows)
        self.touched: set[int] = set()
        self.gone: set[int] = set()
        self.members: dict[int, tuple[Members, Members]] = {}
        self.moved: set[Named] = set()
        self.erased = dict(erased)
        self.erasing: dict[Named, int] = {}
        self.happened: list[Record] = []
        self.joins = 0
        self.refused_links = 0
        self.next_number = next_number
        self._keys = keys
        self._max_event_bytes = max_event_bytes
        self._events: list[Event | None] = []
        self._times = Times()
        self._latest: dict[str, tuple[int, Change]] = {}

    @property
    def events(self) -> Sequence[Event]:
        """What is told, in order."""
        return [event for event in self._events if event is not None]

    def number_of(self, identity: Identity) -> int | None:
        """The number of the profile that has ``identity``."""
        return self.numbers.get((identity.namespace, identity.id))

    def profile(self, number: int) -> Profile:
        """The profile that stands under ``number``."""
        return decoded(self.rows[number])

    def put(self, number: int, profile: Profile, before: Profile | None = None) -> None:
        """Let ``profile`` stand under ``number``, instead of ``before``."""
        self.rows[number] = encoded(profile)
        self.touched.add(number)
        self._note_members(number, {} if before is None else before.members, profile.members)

    def new_number(self) -> int:
        """A number that no profile has had."""
        self.next_number += 1
        return self.next_number - 1

    def remove(self, number: int, before: Profile) -> None:
        """Let there be no profile under ``number``, instead of ``before``.

        Where its identities lead is for the caller to say.
        """
        del self.rows[number]
        self.touched.discard(number)
        self.gone.add(number)
        self._note_members(number, before.members, {})

    def _note_members(self, number: int, before: Members, now: Members) -> None:
        if before is not now and (before or now):
            first, _ = self.members.get(number, (before, now))
            self.members[number] = first, now

    def move(self, identities: Iterable[Known] | Iterable[Identity], number: int | None) -> None:
        """Let ``identities`` lead to another profile, or to none."""
        for each in identities:
            named = (each.namespace, each.id)
            self.numbers[named] = number
            self.moved.add(named)

    def erase(self, identities: Iterable[Known], taken: int) -> None:
        """Let nothing count that was taken up to ``taken`` of ``identities``."""
        for each in identities:
            named = (each.namespace, each.id)
            self.erased[named] = self.erasing[named] = max(taken, self.erased.get(named, taken))

    def telling(
        self, event_id: str, taken: int, change: Change, profile: Profile, said: Flattened | None = None
    ) -> Telling | str:
        """What tells ``change``, after which the profile is ``profile``; or why no event can, in a sentence.

        ``said`` is what a record said, which may be all that there is to show.
        """
        named = profile.named
        key = self._keys.get(named)
        profile_id = profile.profile_id if key is None else profile_id_of(key)
        view = view_of(profile.fragments, self.rules.precedence)
        is_all = said is not None and view is said.leaves
        entity = shown(profile, view, taken, said.plain if is_all and said is not None else None)
        before = self._latest.get(profile_id) if self.rules.coalesce else None
        if before is not None:
            place, earlier = before
            both = combined(earlier, change)
            body = event_of(event_id, profile_id, self._times.text_of(taken), both, entity, self._max_event_bytes)
            if isinstance(body, bytes):
                return Telling(Event(profile_id, body), both, place)
        body = event_of(event_id, profile_id, self._times.text_of(taken), change, entity, self._max_event_bytes)
        return body if isinstance(body, str) else Telling(Event(profile_id, body), change, None)

    def tell_backfill(self, event_id: str, at: int, destination: str, profile: Profile) -> bool:
        """Tell a profile to ``destination``; False, and nothing told, where the event is too large."""
        entity = shown(profile, view_of(profile.fragments, self.rules.precedence), at)
        profile_id = profile.profile_id
        body = event_of(
            event_id, profile_id, self._times.text_of(at), Change(), entity, self._max_event_bytes, destination
        )
        if isinstance(body, str):
            return False
        self._events.append(Event(profile_id, body))
        return True

    def tell(self, telling: Telling) -> None:
        """Put the event behind those before; one of the same profile that it makes needless is taken away."""
        if telling.instead_of is not None:
            self._events[telling.instead_of] = None
        if self.rules.coalesce:
            self._latest[telling.event.profile_id] = (len(self._events), telling.change)
        self._events.append(telling.event if telling.change.tells else None)
