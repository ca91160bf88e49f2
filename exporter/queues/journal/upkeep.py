"""The regular work on an open journal: delete events that every group has passed, and keep the readers' rows fresh.

Where ``retain`` is set, passed events are kept for that time before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

import apsw

from exporter.database import Database, DatabaseUnavailable, FileLost
from exporter.queues.journal import tables
from exporter.queues.journal.commits import Commits
from exporter.queues.journal.fetch import Fetch
from exporter.queues.journal.lease import Leases
from exporter.queues.journal.subscription import JournalSubscription
from exporter.queues.port import QueueUnavailable
from exporter.queues.progress.retention import GivenUp, GroupPosition, Passed, passed

_LOOK_SECONDS = 1.0
_SEEN_SECONDS = 60.0
#: After a chunk was deleted, upkeep rests for this multiple of the time that the chunk took: other processes get at the
#: file meanwhile. There is no rest while the journal is nearly full.
_REST = 3.0
_CHUNK_PAGES = 2000
_FREE_BYTES_KEPT = 64 * 1024 * 1024
_CHUNK_EVENTS = 500
#: Where every group passes more events than this between two looks, only whole blocks are deleted.
_FEW_EVENTS = 1000
#: The used share of ``max_bytes`` from which on the journal is nearly full.
_NEARLY_FULL = 0.75
#: How often the passed position is noted within ``retain``, and the seconds that lie between two notes at least.
_NOTES = 1000
_NOTES_APART_SECONDS = 1.0


class Swept(NamedTuple):
    """The result of deleting a chunk: whether there is more, whether the journal is nearly full, and the groups that no
    longer hold back events."""

    more: bool
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
        self._looked_at = 0  # what every group had passed at the last look
        self._few = True

    def sweep(self, connection: apsw.Connection, *, first: bool) -> Swept:
        """Delete a chunk of the oldest events that need not be kept; ``first``: the first chunk of a look."""
        rows = tables.standings(connection)
        to, given_up = self._passed(rows)
        nearly_full = tables.used_bytes(connection) >= self._nearly_full_bytes
        more = False
        if to is not None:
            if first:
                self._few, self._looked_at = to - self._looked_at <= _FEW_EVENTS, to
            to = self._kept_long_enough(connection, to, nearly_full)
            exactly = self._few or nearly_full
            more = tables.delete_up_to(connection, to, _CHUNK_EVENTS, rows, given_up, exactly=exactly).more
        return Swept(more, nearly_full, given_up)

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


class Upkeep:
    """Runs beside the subscriptions of a process."""

    def __init__(
        self,
        database: Database,
        fetch: Fetch,
        commits: Commits,
        leases: Leases,
        retention: Retention,
        warn: Callable[[str], None],
    ) -> None:
        self.subscriptions: set[JournalSubscription] = set()
        self._database = database
        self._fetch = fetch
        self._commits = commits
        self._warn = warn
        self._leases = leases
        self._retention = retention
        self._given_up = GivenUp(warn)
        self._faults: set[str] = set()  # told, by their kinds

    async def run(self) -> None:
        """Look after the journal until cancelled. Failures are tried again later.

        Readers are told here that the file is lost: while nothing is published or settled, no other call looks.
        """
        seen_due = time.monotonic() + _SEEN_SECONDS
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            if now >= seen_due:
                seen_due = now + _SEEN_SECONDS
                for subscription in self.subscriptions:
                    self._commits.settled(subscription)
            try:
                self._leases.renew()
                if self.subscriptions:
                    self._fetch.last = max(self._fetch.last, (await self._database.read(tables.ends)).last)
                await self._sweep()
            except (FileLost, QueueUnavailable) as error:
                self._fetch.failed(str(error))
            except DatabaseUnavailable:
                pass  # publishing or committing says so
            except Exception as error:
                # A bug, and no reason to leave everything else undone from now on.
                fault = type(error).__name__
                if fault not in self._faults:
                    self._faults.add(fault)
                    self._warn(f"looking after the journal failed: {fault}; it is tried again")

    async def _sweep(self) -> None:
        """Delete events that no group needs any more, a chunk at a time.

        Each chunk keeps publishers waiting. So publishers get their turns in between, unless the journal is nearly
        full, or there is so much that deleting would fall behind.

        Raises:
            DatabaseUnavailable: not everything could be deleted.
        """
        rests_until = time.monotonic() + _LOOK_SECONDS
        first = True
        while await self._sweep_some(rests_until, first=first):
            first = False
        await self._database.tidy(lambda connection: tables.shrink(connection, _FREE_BYTES_KEPT, _CHUNK_PAGES))

    async def _sweep_some(self, rests_until: float, *, first: bool) -> bool:
        began = time.monotonic()
        swept = await self._database.tidy(partial(self._retention.sweep, first=first))
        self._given_up.tell(swept.given_up)
        ended = time.monotonic()
        rest = min(_REST * (ended - began), rests_until - ended)
        if swept.more and rest > 0 and not swept.nearly_full:
            await asyncio.sleep(rest)
        return swept.more
