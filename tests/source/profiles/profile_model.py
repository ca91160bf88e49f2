"""Profiles in plain bookkeeping: what a store should hold after steps, worked out anew from all that was ever said.

No leaf of a record stands above a leaf of another one, and nothing is older than 30 days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from exporter.source.profiles.merge.steps import Deletion, Step, Unlinking
from exporter.source.records import Identity, Operation, Record

Named: TypeAlias = tuple[str, str]
#: When a record was taken, and its number.
At: TypeAlias = tuple[int, int]


def at(step: Step) -> At:
    return step.taken, int(step.xaction_id.rsplit(":", 1)[-1])


@dataclass
class Person:
    """One profile."""

    identities: dict[Named, tuple[bool, str | None, At | None]] = field(default_factory=dict)
    #: By dataset and primary identity: writes of leaves, None for all that clears the fragment.
    writes: dict[tuple[str, Named], list[tuple[At, dict[str, Any] | None]]] = field(default_factory=dict)
    members: dict[str, tuple[int, At, str]] = field(default_factory=dict)

    def fragment(self, key: tuple[str, Named]) -> dict[str, tuple[At, Any]]:
        """The leaves of a fragment, each with its last write."""
        found: dict[str, tuple[At, Any]] = {}
        for when, leaves in sorted(self.writes[key], key=lambda write: (write[0], write[1] is not None)):
            if leaves is None:
                found = {}
                continue
            for path, value in leaves.items():
                if value is None:
                    found.pop(path, None)
                else:
                    found[path] = (when, value)
        return found

    def view(self) -> dict[str, Any]:
        found: dict[str, tuple[At, Any]] = {}
        for key in self.writes:
            for path, (when, value) in self.fragment(key).items():
                if path not in found or when > found[path][0]:
                    found[path] = (when, value)
        return {path: value for path, (_, value) in found.items()}

    def segments(self) -> dict[str, str]:
        return {segment: status for segment, (_, _, status) in self.members.items()}


class Model:
    """All profiles, the oldest first."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.erased: dict[Named, int] = {}
        #: By deletion, the segments that the profile left by it, with how it had stood to them.
        self.exits: dict[str, set[tuple[str, str]]] = {}

    def person(self, named: Named) -> Person | None:
        return next((each for each in self.people if named in each.identities), None)

    def apply(self, step: Step) -> None:
        match step:
            case Record():
                self._record(step)
            case Deletion():
                self._delete(step)
            case Unlinking():
                self._unlink(step)

    def _record(self, record: Record) -> None:
        primary = _named(record.primary)
        if self.erased.get(primary, -1) >= record.taken:
            return
        if self.person(primary) is None and record.operation is Operation.DELETE and not record.time_series:
            return
        others = [each for each in record.identities if self.erased.get(_named(each), -1) < record.taken]
        who = list(dict.fromkeys([record.primary, *others])) if record.links else [record.primary]
        met = [each for each in self.people if any(_named(one) in each.identities for one in who)]
        if not met:
            met = [Person()]
            self.people.append(met[0])
        person = met[0]
        for other in met[1:]:
            _join(person, other)
            self.people.remove(other)
        for one in who:
            _see(person, one, one is record.primary, at(record))
        if not record.time_series:
            _write(person, record, primary)

    def _delete(self, step: Deletion) -> None:
        named = _named(step.identity)
        person = self.person(named)
        for each in [named] if person is None else person.identities:
            self.erased[each] = max(step.taken, self.erased.get(each, -1))
        if person is None:
            return
        self.exits[step.xaction_id] = {
            (segment, status)
            for segment, (_, when, status) in person.members.items()
            if when < at(step) and status != "exited"
        }
        for key, writes in list(person.writes.items()):
            if max(when for when, _ in writes) > at(step):
                writes.append((at(step), None))
            else:
                del person.writes[key]
        later = any(when > at(step) for _, when, _ in person.members.values())
        if not person.writes and not later:
            self.people.remove(person)
            return
        for segment, (_, when, status) in list(person.members.items()):
            if when < at(step) and status == "exited":
                del person.members[segment]
            elif when < at(step):
                person.members[segment] = (step.taken, at(step), "exited")

    def _unlink(self, step: Unlinking) -> None:
        named = _named(step.identity)
        person = self.person(named)
        if person is None or len(person.identities) == 1:
            return
        alone = Person({named: person.identities[named]})
        alone.writes = {key: writes for key, writes in person.writes.items() if key[1] == named}
        rest = Person({each: how for each, how in person.identities.items() if each != named})
        rest.writes = {key: writes for key, writes in person.writes.items() if key[1] != named}
        rest.members = person.members
        first = next(iter(person.identities)) == named
        if first:
            alone.members = {
                segment: held if held[2] == "exited" else (step.taken, at(step), "exited")
                for segment, held in person.members.items()
            }
        place = self.people.index(person)
        self.people[place] = alone if first else rest
        self.people.append(rest if first else alone)


def _named(identity: Identity) -> Named:
    return identity.namespace, identity.id


def _join(person: Person, other: Person) -> None:
    person.identities |= other.identities
    person.writes |= other.writes
    for segment, held in other.members.items():
        _member(person, segment, held)


def _member(person: Person, segment: str, held: tuple[int, At, str]) -> None:
    before = person.members.get(segment)
    if before is None or held[:2] >= before[:2]:
        person.members[segment] = held


def _see(person: Person, identity: Identity, primary: bool, when: At) -> None:
    was, state, since = person.identities.get(_named(identity), (False, None, None))
    if identity.state is not None and (since is None or when >= since):
        state, since = identity.state, when
    person.identities[_named(identity)] = (was or primary, state, since)


def _write(person: Person, record: Record, primary: Named) -> None:
    writes = person.writes.setdefault((record.dataset, primary), [])
    if record.operation is not Operation.MERGE:
        writes.append((at(record), None))
    if record.operation is not Operation.DELETE:
        leaves = dict(_leaves(record.entity))
        writes.append((at(record), leaves))
    for each in record.memberships:
        _member(person, each.id, (min(each.since, record.taken), at(record), each.status))


def _leaves(entity: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in entity.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def leaves_of(entity: dict[str, Any]) -> dict[str, Any]:
    """The leaves of what a store shows, without identities and memberships."""
    return dict(
        _leaves({key: value for key, value in entity.items() if key not in ("identityMap", "segmentMembership")})
    )


def statuses_of(entity: dict[str, Any]) -> dict[str, str]:
    """The status of each membership in what a store shows."""
    return {segment: held["status"] for segment, held in entity.get("segmentMembership", {}).get("ups", {}).items()}


def all_named(steps: Sequence[Step]) -> set[Named]:
    found: set[Named] = set()
    for step in steps:
        found |= {_named(each) for each in step.identities} if isinstance(step, Record) else {_named(step.identity)}
    return found
