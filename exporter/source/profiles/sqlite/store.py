"""The port ``ProfileStore`` on an SQLite file, put together from the other files of the folder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import apsw

from exporter.database import Database, DatabaseUnavailable, kept_private, snapshot
from exporter.source.profiles.merge.applying import apply
from exporter.source.profiles.merge.leaves import Paths
from exporter.source.profiles.merge.naming import identity_key
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Bad, Event, Outcome, Step, named_in
from exporter.source.profiles.port import (
    Applied,
    Backfill,
    Counts,
    Happened,
    Imported,
    Mark,
    MarkMoved,
    Page,
    ProfileStore,
    ProfilesUnavailable,
    Refused,
    Segment,
    ShownProfile,
    Swept,
    Tallying,
    Told,
)
from exporter.source.profiles.showing import shown_profile
from exporter.source.profiles.sqlite import backfilling, outbox, runs, sweeping, time_series
from exporter.source.profiles.sqlite.fresh import Fresh
from exporter.source.profiles.sqlite.schema import SCHEMA
from exporter.source.profiles.sqlite.transaction import Transaction, profiles_of
from exporter.source.profiles.tally import Part
from exporter.source.records import Identity

T = TypeVar("T")

#: Of the file's pages, each connection keeps that much in memory, in KiB.
_CACHE_KIB: Final = 32 * 1024
#: The pages of the write-ahead log after which it is copied, 16 MB: four transactions, which write many a page again.
_LOG_PAGES: Final = 4000
#: Events that are told are deleted after that time, or else by the transaction that is on its way then.
_DELETED_WITHIN_SECONDS: Final = 0.05


@asynccontextmanager
async def open_sqlite(path: Path, rules: Rules) -> AsyncIterator[SqliteProfiles]:
    """Open the store at ``path``; a missing file is created. ``rules`` hold until it is closed.

    Raises:
        DatabaseRefused: the file cannot be used, and was left unchanged.
        DatabaseUnavailable: the file cannot be opened now.
    """
    async with (
        Database.open(path, SCHEMA, _LOG_PAGES) as database,
        # A second connection: reading must not wait while a commit waits for the disk.
        database.second_connection() as reading,
    ):
        for each in (database, reading):
            await each.read(_prepare)
        producer = await database.read(outbox.open_for_putting)
        yield SqliteProfiles(producer, database, reading, rules, Paths(), Fresh(producer), tuple(kept_private(path)))


def _prepare(connection: apsw.Connection) -> None:
    connection.pragma("secure_delete", True)
    connection.pragma("cache_size", -_CACHE_KIB)


@dataclass(frozen=True, slots=True)
class SqliteProfiles(ProfileStore):
    """``ProfileStore`` in a file. Made by ``open_sqlite``."""

    producer: str
    database: Database
    reading: Database
    rules: Rules
    paths: Paths
    fresh: Fresh
    open_to_others: Sequence[str] = ()
    passed: outbox.Passed = field(default_factory=outbox.Passed)

    @property
    def name(self) -> str:
        return self.producer

    async def apply(
        self, steps: Sequence[Step], max_event_bytes: int, marks: Sequence[Mark] = (), tally: Tallying | None = None
    ) -> Applied | Refused:
        def write(connection: apsw.Connection) -> tuple[Applied, int, Sequence[Event], int]:
            _move(connection, marks)
            transaction = Transaction.begin(connection, self.rules, self.paths, max_event_bytes, named_in(steps))
            work = transaction.workspace
            outcomes: list[Outcome] = []
            bad: dict[int, Bad] = {}
            for place, step in enumerate(steps):
                outcome = apply(step, work)
                if isinstance(outcome, Bad):
                    bad[place] = outcome
                else:
                    outcomes.append(outcome)
            if bad:
                raise _Undone(Refused(bad))
            if tally is not None:
                runs.add(connection, tally(outcomes))
            # As late as can be: most of what the transaction before has told is on the queue by now.
            passed = self.passed.to
            outbox.delete(connection, passed)
            events = transaction.end()
            applied = Applied(outcomes, len(events), work.joins, work.refused_links)
            return applied, transaction.first_event, events, passed

        self.passed.transactions += 1
        try:
            applied, first, events, passed = await _translated(self.database.write(write))
        except _Undone as undone:
            return undone.refused
        finally:
            self.passed.transactions -= 1
        self.fresh.committed(first, events)
        if passed and passed == self.passed.to:
            self.passed.deleted.set()
        return applied

    async def marks(self, queue: str) -> Mapping[str, int]:
        statement = "SELECT lane, position FROM marks WHERE queue = ?"
        return await self._read(lambda connection: dict(connection.execute(statement, (queue,))))

    async def counters(self, beginning: str = "") -> Mapping[str, int]:
        statement = "SELECT name, value FROM counters WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1"
        return await self._read(lambda connection: dict(connection.execute(statement, (beginning,))))

    async def runs(
        self,
        since: int,
        beyond: tuple[int, str] | None,
        limit: int,
        *,
        flow: str | None = None,
        failed: bool = False,
    ) -> Sequence[Part]:
        return await self._read(lambda connection: runs.read(connection, since, beyond, limit, flow, failed=failed))

    async def drop_runs(self, before: int, limit: int) -> int:
        return await self._write(lambda connection: runs.drop(connection, before, limit))

    async def told(self, after: int, limit: int, max_bytes: int) -> Sequence[Told]:
        return self.fresh.told(after, limit, max_bytes) or await self._read(
            lambda connection: outbox.read(connection, after, limit, max_bytes)
        )

    async def delete_told(self, to: int) -> None:
        self.passed.to = to
        self.passed.deleted.clear()
        self.fresh.deleted(to)
        try:
            while not self.passed.deleted.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_DELETED_WITHIN_SECONDS):
                        await self.passed.deleted.wait()
                # The time may be over in the very moment in which a transaction has deleted them.
                if not self.passed.transactions and not self.passed.deleted.is_set():
                    await _translated(self.database.tidy(lambda connection: outbox.delete(connection, to)))
                    return
        finally:
            self.passed.to = 0

    async def counts(self) -> Counts:
        def read(connection: apsw.Connection) -> Counts:
            with snapshot(connection):
                profiles, identities, joins, refused_links = connection.execute(
                    "SELECT profiles, identities, joins, refused_links FROM store"
                ).get
                events, size = outbox.waiting(connection)
            return Counts(profiles, identities, joins, refused_links, events, size)

        return await self._read(read)

    async def profile(self, identity: Identity, at: int) -> ShownProfile | None:
        key = identity_key(identity.namespace, identity.id)

        def read(connection: apsw.Connection) -> ShownProfile | None:
            with snapshot(connection):
                number = connection.execute("SELECT profile FROM identities WHERE key = ?", (key,)).get
                found = {} if number is None else profiles_of(connection, (number,))
            return shown_profile(found[number], self.rules, at) if found else None

        return await self._read(read)

    async def time_series(self, identity: Identity, since: int, until: int, limit: int) -> Sequence[Happened]:
        profile = await self.profile(identity, until)
        if profile is None:
            return ()
        whose = profile.identities
        return await self._read(lambda connection: time_series.read(connection, whose, since, until, limit))

    async def drop_time_series(self, before: int, limit: int) -> int:
        return await self._write(lambda connection: time_series.drop(connection, before, limit))

    async def begin_backfill(self, destination: str, segments: Sequence[Segment], mapped: int) -> Backfill | None:
        beginning = await self._read(lambda connection: backfilling.plan(connection, destination, segments, mapped))
        if beginning is None:
            return None
        return await self._write(lambda connection: backfilling.begin(connection, beginning))

    async def backfill(self, number: int, limit: int, at: int, max_event_bytes: int) -> Backfill:
        return await self._write(
            lambda connection: backfilling.step(connection, self.rules, number, limit, at, max_event_bytes)
        )

    async def backfills(self) -> Sequence[Backfill]:
        return await self._read(backfilling.all_of)

    async def forget_dataset(
        self, dataset: str, event_id: str, at: int, max_event_bytes: int, after: int, limit: int
    ) -> Swept:
        sweep = sweeping.forgetting(dataset, event_id, at)

        def write(connection: apsw.Connection) -> Swept:
            if not after:
                time_series.forget(connection, dataset)
            return sweeping.swept(connection, self.rules, max_event_bytes, after, limit, sweep)

        return await self._write(write)

    async def lapse(self, ttl_ms: int, event_id: str, at: int, max_event_bytes: int, after: int, limit: int) -> Swept:
        sweep = sweeping.lapsing(ttl_ms, event_id, at)
        return await self._write(
            lambda connection: sweeping.swept(connection, self.rules, max_event_bytes, after, limit, sweep)
        )

    async def export_profiles(self, after: int, limit: int) -> Page:
        return await self._read(lambda connection: sweeping.exported(connection, after, limit))

    async def import_profiles(self, lines: Sequence[bytes]) -> Imported:
        return await self._write(lambda connection: sweeping.imported(connection, self.rules, lines))

    async def check(self) -> None:
        now = time.time()

        def write(connection: apsw.Connection) -> None:
            connection.execute("UPDATE store SET checked_at = ?", (now,))

        await self._write(write)
        await self._read(lambda connection: connection.execute("SELECT name FROM store").get)

    async def advice(self) -> Sequence[str]:
        """What people should know of the file, in sentences."""
        return self.open_to_others

    async def _read(self, run: Callable[[apsw.Connection], T]) -> T:
        return await _translated(self.reading.read(run))

    async def _write(self, run: Callable[[apsw.Connection], T]) -> T:
        try:
            return await _translated(self.database.write(run))
        finally:
            self.fresh.forget()  # it may have told something that follows what is held


class _Undone(Exception):
    """Takes a transaction back."""

    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self.refused = refused


def _move(connection: apsw.Connection, marks: Sequence[Mark]) -> None:
    for mark in marks:
        where = (mark.queue, mark.lane)
        stands = connection.execute("SELECT position FROM marks WHERE queue = ? AND lane = ?", where).get or 0
        if stands != mark.after:
            raise MarkMoved(f"lane {mark.lane} of {mark.queue} is applied up to {stands}, and not up to {mark.after}")
        connection.execute("REPLACE INTO marks VALUES (?, ?, ?)", (*where, mark.to))


async def _translated(call: Awaitable[T]) -> T:
    """The result of ``call``; a failure of the database as ``ProfilesUnavailable``."""
    try:
        return await call
    except DatabaseUnavailable as error:
        raise ProfilesUnavailable(error.reason) from error
