"""The journal's tables, and every SQL statement."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from typing import NamedTuple

import apsw

from exporter.database import Schema, snapshot
from exporter.messages.message import Message
from exporter.queues.journal import blocks
from exporter.queues.port import Numbered, Outgoing, QueueFull, SeekResult, Start
from exporter.queues.positions import nearest

LANE = "0"

SCHEMA = Schema(
    application_id=0x65787071,  # "expq"
    what="a journal",
    migrations=(
        # AUTOINCREMENT: a position never comes back, not even after the table was emptied. ``id`` makes event ids
        # differ from the event ids of a deleted journal.
        """
        CREATE TABLE journal (id TEXT NOT NULL, checked_at REAL NOT NULL) STRICT;
        INSERT INTO journal VALUES (lower(hex(randomblob(8))), 0);
        CREATE TABLE events (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            taken_at REAL NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE TABLE positions (
            name TEXT PRIMARY KEY,
            settled_to INTEGER NOT NULL,
            ranges BLOB NOT NULL,
            epoch INTEGER NOT NULL,
            seen_at REAL NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
        # Samples of when every group had passed a position; only where ``retain`` is set.
        "CREATE TABLE passed (position INTEGER PRIMARY KEY, at REAL NOT NULL) STRICT",
        # The highest number that was published of each producer.
        "CREATE TABLE producers (name TEXT PRIMARY KEY, highest INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        blocks.MIGRATION,
    ),
)

_ROW_BYTES = 24


class GroupRow(NamedTuple):
    """A group's row. ``epoch`` grows with every new reader, so that a late write of an old reader has no effect."""

    group: str
    settled_to: int
    ranges: bytes
    epoch: int
    seen_at: float


class Appended(NamedTuple):
    """The last position of what was published together, and when that was, in epoch seconds."""

    last: int
    taken_at: float


class Ends(NamedTuple):
    """Where the journal begins and ends: the first position kept, and the last ever given."""

    first: int
    last: int


def journal_id(connection: apsw.Connection) -> str:
    """The random id that the file got when created."""
    found: str = connection.execute("SELECT id FROM journal").get
    return found


def mark_checked(connection: apsw.Connection) -> None:
    """Write something, to see whether writing works."""
    connection.execute("UPDATE journal SET checked_at = ?", (time.time(),))


def used_bytes(connection: apsw.Connection) -> int:
    """The size of the journal in bytes, free pages not counted."""
    used: int = connection.execute(
        "SELECT (page_count - freelist_count) * page_size"
        " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    ).get
    return used


def publish(connection: apsw.Connection, messages: Sequence[Outgoing], max_bytes: int) -> Appended:
    """Append ``messages``, at positions that follow each other.

    Raises:
        QueueFull: there is no room for ``messages``.
    """
    used = used_bytes(connection)
    if used + sum([len(message.body) + _ROW_BYTES for message in messages]) > max_bytes:
        raise QueueFull(f"the journal holds {used} bytes of at most {max_bytes}")
    now = time.time()
    return Appended(blocks.append(connection, now, [message.body for message in messages]), now)


def publish_numbered(
    connection: apsw.Connection, messages: Sequence[Outgoing], numbered: Numbered, max_bytes: int
) -> tuple[int, int]:
    """As ``publish``, without the messages whose numbers are here already; how many these are is returned, too."""
    highest: int | None = connection.execute("SELECT highest FROM producers WHERE name = ?", (numbered.producer,)).get
    fresh = messages[numbered.passed(highest or 0) :]
    if not fresh:
        return blocks.last(connection), len(messages)
    end = publish(connection, fresh, max_bytes).last
    connection.execute(
        "INSERT INTO producers VALUES (?1, ?2) ON CONFLICT DO UPDATE SET highest = ?2",
        (numbered.producer, numbered.last(len(messages))),
    )
    return end, len(messages) - len(fresh)


def read(connection: apsw.Connection, after: int, max_events: int, max_bytes: int) -> list[Message]:
    """Events after a position, in order; at least one event if there is any."""
    found: list[Message] = []
    size = 0
    with snapshot(connection), closing(blocks.rows(connection, after, max_events)) as rows:
        for position, taken_at, body in rows:
            found.append(Message(LANE, position, body, taken_at))
            size += len(body)
            if size >= max_bytes:
                break
    return found


def ends(connection: apsw.Connection) -> Ends:
    """Where the journal begins and ends now; an empty journal begins after the last position."""
    with snapshot(connection):
        begin, end = blocks.first(connection), blocks.last(connection)
    return Ends(end + 1 if begin is None else begin, end)


def enter(connection: apsw.Connection, group: str, start: Start) -> tuple[GroupRow, Ends]:
    """Become the group's reader; a new group begins at ``start``."""
    now = time.time()
    where = ends(connection)
    connection.execute(
        "INSERT INTO positions VALUES (?, ?, x'', 1, ?) ON CONFLICT DO UPDATE SET epoch = epoch + 1, seen_at = ?",
        (group, _before(start, where), now, now),
    )
    rows = connection.execute("SELECT name, settled_to, ranges, epoch, seen_at FROM positions WHERE name = ?", (group,))
    [standing] = [GroupRow(*row) for row in rows]
    return standing, where


def commit(connection: apsw.Connection, standings: Iterable[GroupRow]) -> None:
    """Write where groups stand, but for groups with a newer reader, and for dropped groups."""
    connection.executemany(
        "UPDATE positions SET settled_to = ?, ranges = ?, seen_at = ? WHERE name = ? AND epoch = ?",
        ((row.settled_to, row.ranges, row.seen_at, row.group, row.epoch) for row in standings),
    )


def standings(connection: apsw.Connection) -> list[GroupRow]:
    """Every group's row, by name."""
    rows = connection.execute("SELECT name, settled_to, ranges, epoch, seen_at FROM positions ORDER BY name")
    return [GroupRow(*row) for row in rows]


def seek(connection: apsw.Connection, group: str, target: int | Start) -> SeekResult:
    """Make ``target``, or the nearest position that is there, the next to be read.

    Raises:
        KeyError: there is no such group.
    """
    found = nearest(LANE, target, *ends(connection))
    connection.execute(
        "UPDATE positions SET settled_to = ?, ranges = x'', epoch = epoch + 1, seen_at = ? WHERE name = ?",
        (found.next - 1, time.time(), group),
    )
    if not connection.changes():
        raise KeyError(group)
    return found


def drop(connection: apsw.Connection, group: str) -> None:
    """Forget a group. Raises as ``seek``."""
    connection.execute("DELETE FROM positions WHERE name = ?", (group,))
    if not connection.changes():
        raise KeyError(group)


class Deleted(NamedTuple):
    """How many events were deleted together, and whether there is more to delete at once."""

    events: int
    more: bool


def delete_up_to(
    connection: apsw.Connection,
    position: int,
    max_events: int,
    looked_at: Sequence[GroupRow],
    given_up: Collection[str],
    *,
    exactly: bool,
) -> Deleted:
    """Delete the oldest block if it ends by ``position``, or of a large one at most ``max_events`` events.

    With ``exactly`` events are also deleted where their block goes on after ``position``, so that none is left up to
    and including it. Nothing is deleted where groups have changed since they were ``looked_at``: a group is gone, or a
    group stands before ``position`` that is not among ``given_up``, or has been entered or moved since. All of that is
    one transaction, so that no other process comes between the look and the deed; outside of one.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        deleted = Deleted(0, False)
        if _as_looked_at(connection, position, looked_at, given_up):
            deleted = _deleted(connection, position, max_events, exactly=exactly)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return deleted


def _as_looked_at(
    connection: apsw.Connection, position: int, looked_at: Sequence[GroupRow], given_up: Collection[str]
) -> bool:
    found: int = connection.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM json_each(:looked_at) WHERE value NOT IN (SELECT name FROM positions))"
        " AND NOT EXISTS (SELECT 1 FROM positions WHERE settled_to < :position AND NOT EXISTS"
        " (SELECT 1 FROM json_each(:given_up) WHERE value ->> 0 = name AND value ->> 1 = epoch))",
        {
            "position": position,
            "looked_at": json.dumps([row.group for row in looked_at]),
            "given_up": json.dumps([(row.group, row.epoch) for row in looked_at if row.group in given_up]),
        },
    ).get
    return bool(found)


def _deleted(connection: apsw.Connection, position: int, max_events: int, *, exactly: bool) -> Deleted:
    oldest, *newer = blocks.blocks(connection)
    whole = oldest.last <= position
    if whole and not oldest.large:
        return Deleted(blocks.empty(connection, oldest), bool(newer))
    if not (exactly or oldest.large):
        return Deleted(0, False)
    events = blocks.delete_rows(connection, oldest, position, max_events)
    if whole and events < max_events:
        blocks.empty(connection, oldest)
    return Deleted(events, events == max_events or (whole and bool(newer)))


def note_passed(connection: apsw.Connection, position: int, now: float, apart_seconds: float) -> None:
    """Note that every group has passed ``position``, unless noted already, or a note is newer than ``apart_seconds``.

    Notes from the future, left by a clock that was set back, become notes of now.
    """
    connection.execute("UPDATE passed SET at = :now WHERE at > :now", {"now": now})
    connection.execute(
        "INSERT INTO passed SELECT :position, :now"
        " WHERE NOT EXISTS (SELECT 1 FROM passed WHERE position >= :position OR at > :now - :apart)",
        {"position": position, "now": now, "apart": apart_seconds},
    )


def passed_by(connection: apsw.Connection, moment: float) -> int:
    """The position that every group had passed by ``moment``, 0 for none; notes of lower positions are deleted."""
    found: int | None = connection.execute("SELECT max(position) FROM passed WHERE at <= ?", (moment,)).get
    if found is None:
        return 0
    connection.execute("DELETE FROM passed WHERE position < ?", (found,))
    return found


def shrink(connection: apsw.Connection, keep_free_bytes: int, max_pages: int) -> None:
    """Give free pages back to the file system, ``max_pages`` at most; ``keep_free_bytes`` stay for new events."""
    spare = connection.pragma("freelist_count") - keep_free_bytes // connection.pragma("page_size")
    if spare > 0:
        for _ in connection.execute(f"PRAGMA incremental_vacuum({min(spare, max_pages)})"):
            pass


def _before(start: Start, where: Ends) -> int:
    return where.first - 1 if start == "earliest" else where.last
