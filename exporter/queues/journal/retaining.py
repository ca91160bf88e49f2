"""Deletes events that no group needs any more, once the time of ``retain`` is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

import apsw

from exporter.queues.journal import tables
from exporter.queues.progress.retention import GroupPosition, Passed, passed

CHUNK_EVENTS: Final = 500
#: The used share of ``max_bytes`` from which on the journal is nearly full.
_NEARLY_FULL: Final = 0.75
#: While events are retained, the passed position is noted so many times, but with at least so many seconds between.
_NOTES: Final = 1000
_NOTES_APART_SECONDS: Final = 1.0


class Swept(NamedTuple):
    """The result of deleting a chunk: how many events, whether the journal is nearly full, and the groups that no
    longer hold back events."""

    events: int
    nearly_full: bool
    given_up: frozenset[str]


class Retention:
    """Knows which events to keep. To be called on the database's thread, outside any transaction."""

    def __init__(
        self, groups: Collection[str], max_bytes: int, retain_seconds: float, being_read: Callable[[str], bool]
    ) -> None:
        """``groups`` are named in the configuration; ``being_read`` says whether any process reads a group now."""
        self._groups = groups
        self._nearly_full_bytes = _NEARLY_FULL * max_bytes
        self._retain_seconds = retain_seconds
        self._being_read = being_read

    def sweep(self, connection: apsw.Connection) -> Swept:
        """Delete a chunk of the oldest events that need not be kept."""
        rows = tables.standings(connection)
        to, given_up = self._passed(rows)
        nearly_full = tables.used_bytes(connection) >= self._nearly_full_bytes
        events = 0
        if to is not None:
            to = self._kept_long_enough(connection, to, nearly_full)
            events = tables.delete_up_to(connection, to, CHUNK_EVENTS, rows, given_up)
        return Swept(events, nearly_full, given_up)

    def _kept_long_enough(self, connection: apsw.Connection, to: int, nearly_full: bool) -> int:
        if not self._retain_seconds:
            return to
        now = time.time()
        tables.note_passed(connection, to, now, max(_NOTES_APART_SECONDS, self._retain_seconds / _NOTES))
        # No unread event is ever dropped for want of room, so read events go first.
        return to if nearly_full else min(to, tables.passed_by(connection, now - self._retain_seconds))

    def _passed(self, rows: Sequence[tables.GroupRow]) -> Passed:
        places = [GroupPosition(row.group, row.settled_to, row.seen_at) for row in rows]
        named = frozenset(self._groups)
        found = passed(places, named, time.time())
        # A group that is read now only looks old, since the clock was set or the machine has slept: the row will be
        # fresh in a minute.
        being_read = {group for group in found.given_up if self._being_read(group)}
        return passed(places, named | being_read, time.time()) if being_read else found
