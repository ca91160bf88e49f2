"""The regular work on an open journal: delete events that every group has passed, and keep the readers' rows fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from exporter.database import Database, DatabaseUnavailable, FileLost
from exporter.queues.journal import tables
from exporter.queues.journal.commits import Commits
from exporter.queues.journal.fetch import Fetch
from exporter.queues.journal.lease import Leases
from exporter.queues.journal.retaining import CHUNK_EVENTS, Retention
from exporter.queues.journal.subscription import JournalSubscription
from exporter.queues.port import QueueUnavailable
from exporter.queues.progress.retention import given_up_warning

_LOOK_SECONDS = 1.0
_SEEN_SECONDS = 60.0
#: The rest after a chunk, in which other processes get at the file, in durations of the chunk; none if nearly full.
_REST = 3.0
_CHUNK_PAGES = 2000
_FREE_BYTES_KEPT = 64 * 1024 * 1024


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
        self._warned: set[str] = set()

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
                    self._commits.note(subscription)
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
                self._warn_once(f"looking after the journal failed: {type(error).__name__}; it is tried again")

    async def _sweep(self) -> None:
        """Delete events that no group needs any more, a chunk at a time.

        Each chunk keeps publishers waiting. So publishers get their turns in between, unless the journal is nearly
        full, or there is so much that deleting would fall behind.

        Raises:
            DatabaseUnavailable: not everything could be deleted.
        """
        rests_until = time.monotonic() + _LOOK_SECONDS
        while await self._sweep_some(rests_until) == CHUNK_EVENTS:
            pass
        await self._database.tidy(lambda connection: tables.shrink(connection, _FREE_BYTES_KEPT, _CHUNK_PAGES))

    async def _sweep_some(self, rests_until: float) -> int:
        began = time.monotonic()
        swept = await self._database.tidy(self._retention.sweep)
        for group in sorted(swept.given_up):
            self._warn_once(given_up_warning(group))
        ended = time.monotonic()
        rest = min(_REST * (ended - began), rests_until - ended)
        if swept.events == CHUNK_EVENTS and rest > 0 and not swept.nearly_full:
            await asyncio.sleep(rest)
        return swept.events

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)
