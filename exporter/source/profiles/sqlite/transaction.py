"""One transaction: the profiles that steps need are read at once, and what became of them is written at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import apsw

from exporter.source.profiles.merge.leaves import Paths
from exporter.source.profiles.merge.memberships import inside
from exporter.source.profiles.merge.naming import Named, identity_key
from exporter.source.profiles.merge.profile import Profile, decoded
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Event
from exporter.source.profiles.merge.workspace import Workspace
from exporter.source.profiles.port import Segment
from exporter.source.profiles.sqlite import outbox, time_series

_STANDING = "SELECT next_profile, next_event, told_bytes, profiles, identities, joins, refused_links FROM store"
_STAND = """
    UPDATE store SET next_profile = ?, next_event = ?, told_bytes = ?, profiles = ?, identities = ?, joins = ?,
      refused_links = ?
"""
# The order of the tables is told, so that each key of the list is looked for, and nothing else.
_NUMBERS = "SELECT key, profile FROM carray(?) AS wanted CROSS JOIN identities ON key = wanted.value"
_PROFILES = "SELECT number, body FROM carray(?) AS wanted CROSS JOIN profiles ON number = wanted.value"
_ERASED = "SELECT key, taken FROM carray(?) AS wanted CROSS JOIN erased ON key = wanted.value"


@dataclass(frozen=True, slots=True)
class Standing:
    """The row ``store``."""

    next_profile: int
    next_event: int
    told_bytes: int
    profiles: int
    identities: int
    joins: int
    refused_links: int


@dataclass(slots=True)
class Transaction:
    """What a transaction has read. The write lock is held from before ``begin`` until after ``end``."""

    connection: apsw.Connection
    workspace: Workspace
    standing: Standing
    before: Mapping[int, bytes]
    keys: dict[Named, bytes] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        connection: apsw.Connection,
        rules: Rules,
        paths: Paths,
        max_event_bytes: int,
        named: Iterable[Named] = (),
        numbered: Iterable[int] = (),
    ) -> Transaction:
        """Read the profiles of the identities ``named``, and those with the numbers ``numbered``."""
        standing = Standing(*connection.execute(_STANDING).get)
        keys = {each: identity_key(*each) for each in set(named)}
        by_key = {key: each for each, key in keys.items()}
        wanted = tuple(sorted(by_key))
        numbers: dict[Named, int] = {}
        erased: dict[Named, int] = {}
        if wanted:
            for key, number in connection.execute(_NUMBERS, (apsw.carray(wanted),)):
                numbers[by_key[key]] = number
            if connection.execute("SELECT EXISTS (SELECT 1 FROM erased)").get:
                erased = {by_key[key]: taken for key, taken in connection.execute(_ERASED, (apsw.carray(wanted),))}
        before = _rows(connection, {*numbers.values(), *numbered})
        workspace = Workspace(rules, paths, max_event_bytes, numbers, before, erased, standing.next_profile, keys)
        return cls(connection, workspace, standing, before, keys)

    def end(self) -> Sequence[Event]:
        """Write what became of the profiles; return the events that are told, which begin at ``first_event``."""
        work, connection = self.workspace, self.connection
        self._write_profiles()
        gained = self._write_identities()
        self._write_members()
        if work.happened:
            time_series.keep(connection, work.happened)
        if work.erasing:
            time_series.erase(connection, [(self._key(named), taken) for named, taken in work.erasing.items()])
            connection.executemany(
                "INSERT INTO erased VALUES (?, ?) ON CONFLICT DO UPDATE SET taken = max(taken, excluded.taken)",
                [(self._key(named), taken) for named, taken in work.erasing.items()],
            )
        events = work.events
        standing = self.standing
        told_bytes = outbox.put(connection, events, standing.next_event, standing.told_bytes)
        now = replace(
            standing,
            next_profile=work.next_number,
            next_event=standing.next_event + len(events),
            told_bytes=told_bytes,
            profiles=standing.profiles + len(work.touched - self.before.keys()) - len(work.gone & self.before.keys()),
            identities=standing.identities + gained,
            joins=standing.joins + work.joins,
            refused_links=standing.refused_links + work.refused_links,
        )
        if now != standing:
            connection.execute(
                _STAND,
                (
                    *(now.next_profile, now.next_event, now.told_bytes),
                    *(now.profiles, now.identities, now.joins, now.refused_links),
                ),
            )
        return events

    @property
    def first_event(self) -> int:
        """The number of the first event that is told."""
        return self.standing.next_event

    def _key(self, named: Named) -> bytes:
        return self.keys.get(named) or identity_key(*named)

    def _write_profiles(self) -> None:
        work = self.workspace
        if gone := work.gone & self.before.keys():
            self.connection.executemany("DELETE FROM profiles WHERE number = ?", [(number,) for number in gone])
        if work.touched:
            self.connection.executemany(
                "REPLACE INTO profiles VALUES (?, ?)",
                [(number, work.rows[number]) for number in sorted(work.touched)],
            )

    def _write_identities(self) -> int:
        """Write where identities lead; return how many more there are."""
        numbers = self.workspace.numbers
        moved = sorted((self._key(named), numbers[named]) for named in self.workspace.moved if numbers[named])
        lost = [(self._key(named),) for named in self.workspace.moved if not numbers[named]]
        before = self.connection.total_changes()
        self.connection.executemany("DELETE FROM identities WHERE key = ?", lost)
        gone = self.connection.total_changes() - before
        self.connection.executemany("INSERT INTO identities VALUES (?, ?) ON CONFLICT DO NOTHING", moved)
        gained = self.connection.total_changes() - before - gone
        if gained < len(moved):
            self.connection.executemany("UPDATE identities SET profile = ?2 WHERE key = ?1 AND profile <> ?2", moved)
        return gained - gone

    def _write_members(self) -> None:
        work = self.workspace
        entered: list[tuple[Segment, int]] = []
        left: list[tuple[Segment, int]] = []
        for number, (before, after) in work.members.items():
            was, now = inside(before), inside(after)
            entered += [(segment, number) for segment in now - was]
            left += [(segment, number) for segment in was - now]
        if entered or left:
            numbers = _Segments(self.connection)
            self.connection.executemany(
                "DELETE FROM members WHERE segment = ? AND profile = ?",
                [(numbers.of(segment), number) for segment, number in left],
            )
            self.connection.executemany(
                "INSERT INTO members VALUES (?, ?)",
                sorted((numbers.of(segment), number) for segment, number in entered),
            )


class _Segments:
    """The numbers of segments, given as they are asked for."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._numbers: dict[Segment, int] = {}

    def of(self, segment: Segment) -> int:
        found = self._numbers.get(segment)
        if found is None:
            found = self._numbers[segment] = segment_number(self._connection, segment) or self._made(segment)
        return found

    def _made(self, segment: Segment) -> int:
        self._connection.execute("INSERT INTO segments (namespace, id) VALUES (?, ?)", segment)
        return self._connection.last_insert_rowid()


def segment_number(connection: apsw.Connection, segment: Segment) -> int | None:
    """The number of a segment in which somebody has been."""
    found: int | None = connection.execute("SELECT number FROM segments WHERE namespace = ? AND id = ?", segment).get
    return found


def profiles_of(connection: apsw.Connection, numbers: Iterable[int]) -> dict[int, Profile]:
    """The profiles with these numbers, as far as they are there."""
    return {number: decoded(row) for number, row in _rows(connection, numbers).items()}


def _rows(connection: apsw.Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    wanted = array("q", sorted(numbers))
    if not wanted:
        return {}
    return dict(connection.execute(_PROFILES, (apsw.carray(wanted),)))
