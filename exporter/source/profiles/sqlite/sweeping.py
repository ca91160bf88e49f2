"""What goes through all profiles, some at a time: forgetting a dataset, lapsing memberships, export; and import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import apsw

from exporter.database import snapshot
from exporter.source.profiles.lines import line_of, profile_in
from exporter.source.profiles.merge import taking_apart
from exporter.source.profiles.merge.leaves import Paths
from exporter.source.profiles.merge.naming import Named
from exporter.source.profiles.merge.profile import Profile
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.workspace import Workspace
from exporter.source.profiles.port import Imported, Page, Swept
from exporter.source.profiles.sqlite.transaction import Transaction, profiles_of

#: Changes the profile with a number; says whether it did.
Sweep: TypeAlias = Callable[[int, Workspace], bool]


def forgetting(dataset: str, event_id: str, at: int) -> Sweep:
    """A sweep that takes away what ``dataset`` said."""

    def sweep(number: int, workspace: Workspace) -> bool:
        each = f"{event_id}:{workspace.profile(number).profile_id}"
        return taking_apart.forget(number, dataset, each, at, workspace)

    return sweep


def lapsing(ttl_ms: int, event_id: str, at: int) -> Sweep:
    """A sweep that lets profiles leave segments of which they had no news."""

    def sweep(number: int, workspace: Workspace) -> bool:
        each = f"{event_id}:{workspace.profile(number).profile_id}"
        return taking_apart.lapse(number, ttl_ms, each, at, workspace)

    return sweep


def swept(
    connection: apsw.Connection, rules: Rules, max_event_bytes: int, after: int, limit: int, sweep: Sweep
) -> Swept:
    """Let ``sweep`` change the next ``limit`` profiles after number ``after``."""
    numbers = _numbers(connection, after, limit)
    transaction = Transaction.begin(connection, rules, Paths(), max_event_bytes, numbered=numbers)
    changed = sum(sweep(number, transaction.workspace) for number in numbers)
    transaction.end()
    return Swept(changed, numbers[-1] if len(numbers) == limit else None)


def exported(connection: apsw.Connection, after: int, limit: int) -> Page:
    """The next ``limit`` profiles after number ``after``, as lines."""
    with snapshot(connection):
        numbers = _numbers(connection, after, limit)
        found = profiles_of(connection, numbers)
    return Page([line_of(found[number]) for number in numbers], numbers[-1] if len(numbers) == limit else None)


def imported(connection: apsw.Connection, rules: Rules, lines: Sequence[bytes]) -> Imported:
    """Store the profiles in ``lines``; see ``ProfileStore.import_profiles``."""
    profiles = [_read(place, line) for place, line in enumerate(lines, 1)]
    transaction = Transaction.begin(
        connection, rules, Paths(), 0, [named for each in profiles for named in _named(each)]
    )
    work = transaction.workspace
    known = 0
    for profile in profiles:
        if any(work.numbers.get(named) for named in _named(profile)):
            known += 1
        else:
            number = work.new_number()
            work.put(number, profile)
            work.move(profile.identities, number)
    transaction.end()
    return Imported(len(profiles) - known, known)


def _read(place: int, line: bytes) -> Profile:
    try:
        return profile_in(line)
    except ValueError as error:
        raise ValueError(f"line {place}: {error}") from error


def _named(profile: Profile) -> list[Named]:
    return [(each.namespace, each.id) for each in profile.identities]


def _numbers(connection: apsw.Connection, after: int, limit: int) -> list[int]:
    rows = connection.execute("SELECT number FROM profiles WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
    return [number for (number,) in rows]
