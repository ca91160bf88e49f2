"""The port ``Queue`` on a journal, put together from the other files of the folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from exporter.database import Database, DatabaseUnavailable, kept_private
from exporter.queues.journal import tables
from exporter.queues.journal.commits import Commits
from exporter.queues.journal.fetch import Fetch
from exporter.queues.journal.lease import Leases
from exporter.queues.journal.subscription import JournalSubscription
from exporter.queues.journal.upkeep import Retention, Upkeep
from exporter.queues.port import GroupInUse, Numbered, Outgoing, Position, QueueUnavailable, SeekResult, Start
from exporter.queues.progress.settled import count, decode
from exporter.tasks.background import in_background


@asynccontextmanager
async def open_journal(
    path: Path,
    *,
    max_bytes: int,
    groups: Collection[str],
    warn: Callable[[str], None],
    badge: str = "",
    retain_seconds: float = 0.0,
) -> AsyncIterator[JournalQueue]:
    """Open the journal at ``path``; a missing file is created. Leave subscriptions before leaving the queue.

    See ``open_queue``, and ``JournalSettings`` for the rest.

    Raises:
        DatabaseRefused: the file cannot be used, and was left unchanged.
        DatabaseUnavailable: the file cannot be opened now.
    """
    async with (
        Database.open(path, tables.SCHEMA) as database,
        # A second connection: reading must not wait while a commit waits for the disk, or for a different process.
        database.second_connection() as reading,
    ):
        for sentence in kept_private(path):
            warn(sentence)
        identity = await database.read(tables.journal_id)
        fetch = Fetch(reading)
        commits = Commits(database, on_failure=fetch.grew)
        leases = Leases(path)
        retention = Retention(groups, max_bytes, retain_seconds, leases.maybe_busy)
        upkeep = Upkeep(database, fetch, commits, leases, retention, warn)
        queue = JournalQueue(
            f"journal-{identity}", database, fetch, commits, upkeep, leases, groups, max_bytes, warn, badge
        )
        async with in_background(commits.run, upkeep.run):
            yield queue


class JournalQueue:
    """``Queue`` in a file. Made by ``open_journal``."""

    def __init__(
        self,
        name: str,
        database: Database,
        fetch: Fetch,
        commits: Commits,
        upkeep: Upkeep,
        leases: Leases,
        groups: Collection[str],
        max_bytes: int,
        warn: Callable[[str], None],
        badge: str,
    ) -> None:
        self._name = name
        self._database = database
        self._fetch = fetch
        self._commits = commits
        self._upkeep = upkeep
        self._max_bytes = max_bytes
        self._warn = warn
        self._badge = badge
        self._leases = leases
        self._groups = groups

    @property
    def name(self) -> str:
        return self._name

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        """Numbers are looked up in the transaction that publishes."""
        if not messages:
            return 0
        most, left_out = self._max_bytes, 0
        with _translated():
            if numbered is None:
                appended = await self._database.write(lambda connection: tables.publish(connection, messages, most))
                self._fetch.published(messages, appended)
            else:
                last, left_out = await self._database.write(
                    lambda connection: tables.publish_numbered(connection, messages, numbered, most)
                )
                self._fetch.grew(last)
        return left_out

    async def max_event_bytes(self, producer: str) -> int | None:  # noqa: ARG002
        """None: an event needs no more than room."""
        return None

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[JournalSubscription]:
        async with self._leases.held(group, self._badge):
            with _translated():
                standing, ends = await self._database.write(lambda connection: tables.enter(connection, group, start))
            if standing.settled_to + 1 < ends.first:
                gone = f"{standing.settled_to + 1} to {ends.first - 1}"
                self._warn(f"group {group}: events {gone} were deleted before it read them")
            self._fetch.last = max(self._fetch.last, ends.last)
            subscription = JournalSubscription(standing, ends.first, self._fetch, self._commits)
            self._upkeep.subscriptions.add(subscription)
            try:
                yield subscription
            finally:
                self._upkeep.subscriptions.discard(subscription)
                await self._leave(group, subscription)

    async def _leave(self, group: str, subscription: JournalSubscription) -> None:
        try:
            await self._commits.commit()
        except QueueUnavailable as error:
            self._warn(f"group {group}: its last position could not be written: {error}")
        finally:
            self._commits.left(subscription)

    async def badges(self, group: str) -> Collection[str]:
        badge = self._leases.badge(group)
        return (badge,) if badge else ()

    @property
    def silence_seconds(self) -> float:
        """0: a lock ends with the process."""
        return 0.0

    async def positions(self) -> Sequence[Position]:
        with _translated():
            rows = await self._database.read(tables.standings)
            ends = await self._database.read(tables.ends)
        return [self._position(row, ends) for row in rows]

    def _position(self, row: tables.GroupRow, ends: tables.Ends) -> Position:
        beyond = count(decode(row.settled_to, row.ranges))
        lag = ends.last - max(row.settled_to, ends.first - 1) - beyond
        reader = self._leases.busy(row.group)
        return Position(row.group, tables.LANE, row.settled_to, beyond, max(0, lag), reader, row.seen_at, ends.last)

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        """A target outside of the journal becomes its nearest end."""
        with self._unread(group):
            return [await self._database.write(lambda connection: tables.seek(connection, group, target))]

    async def drop(self, group: str) -> None:
        with self._unread(group):
            await self._database.write(lambda connection: tables.drop(connection, group))

    @contextmanager
    def _unread(self, group: str) -> Iterator[None]:
        """Hold the lock of a group, so that nobody reads the group meanwhile."""
        with self._leases.taken(group) as free:
            if not free:
                raise GroupInUse(group)
            with _translated():
                yield

    async def check(self) -> None:
        """Also reads again where reading failed, and writes positions that were not written."""
        self._leases.renew()
        with _translated():
            await self._database.write(tables.mark_checked)
        await self._fetch.probe()
        if self._commits.failure is not None:
            await self._commits.commit()

    async def advice(self) -> Sequence[str]:
        """No advice. But a daemon needs every group's lock, and ``check`` of a process without locks looks at none.

        Raises:
            QueueUnavailable: a lock's file cannot be used.
        """
        for group in self._groups:
            self._leases.refuse_unusable(group)
        return ()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise a failure of the database as ``QueueUnavailable``."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise QueueUnavailable(error.reason) from error
