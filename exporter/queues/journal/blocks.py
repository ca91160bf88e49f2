"""Blocks, the tables that hold the journal's events: all of a block is deleted at once (a log segment elsewhere).

To delete a row costs more than half of what it costs to publish it; to empty a table costs hardly anything a row. A
block that was emptied is used again. There are ``BLOCKS`` at most, created as they are needed; where all of them hold
events, the newest grows. Each function here wants one state of the database: a transaction or a snapshot.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import apsw

#: The most events for which a block has room, and the most bytes of their bodies.
EVENTS = 8192
_BYTES = 16 * 1024 * 1024
BLOCKS = 64

#: From a single table of events, which becomes the first block. ``first`` is the lowest position that a block may
#: hold, ``room`` how many positions it is meant for. The view ``events`` is for people who look.
MIGRATION = """
    ALTER TABLE events RENAME TO block_0;
    CREATE TABLE blocks (first INTEGER PRIMARY KEY, number INTEGER NOT NULL UNIQUE, room INTEGER NOT NULL) STRICT;
    INSERT INTO blocks SELECT coalesce(min(position), 1), 0, 500 FROM block_0;
    CREATE VIEW events AS SELECT position, taken_at, body FROM block_0;
"""


class Block(NamedTuple):
    """A block in use. The newest one ends with the last position that was given."""

    first: int
    number: int
    room: int
    last: int

    @property
    def size(self) -> int:
        """How many positions it has, whether their events are still there or not."""
        return self.last - self.first + 1

    @property
    def large(self) -> bool:
        """Whether it has grown so much that other processes would wait for long while it is emptied at once."""
        return self.size > 2 * self.room


def last(connection: apsw.Connection) -> int:
    """The highest position that was ever given, 0 for none."""
    found: int | None = connection.execute("SELECT max(seq) FROM sqlite_sequence").get
    return found or 0


def blocks(connection: apsw.Connection) -> Sequence[Block]:
    """All in use, from the oldest to the newest, which new events go to; never empty."""
    rows = list(connection.execute("SELECT first, number, room FROM blocks ORDER BY first"))
    lasts = [*(first - 1 for first, _, _ in rows[1:]), last(connection)]
    return [Block(first, number, room, end) for (first, number, room), end in zip(rows, lasts, strict=True)]


def first(connection: apsw.Connection) -> int | None:
    """The position of the oldest event; None where there is none."""
    for block in blocks(connection):
        found: int | None = connection.execute(f"SELECT min(position) FROM block_{block.number}").get
        if found is not None:
            return found
    return None


def rows(connection: apsw.Connection, after: int, most: int) -> Generator[tuple[int, float, bytes]]:
    """Position, time and body of events after a position, in order; no more are read than are taken."""
    for block in blocks(connection):
        if block.last > after and most > 0:
            found = connection.execute(
                f"SELECT position, taken_at, body FROM block_{block.number} WHERE position > ?"
                " ORDER BY position LIMIT ?",
                (after, most),
            )
            for row in found:
                most -= 1
                yield row


def append(connection: apsw.Connection, now: float, bodies: Sequence[bytes]) -> int:
    """Put events at the next positions, all of them in one block; return the last position."""
    used = blocks(connection)
    newest = used[-1] if used[-1].size < used[-1].room else _next(connection, used, bodies)
    # One statement, during which other threads may run: each further one would wait for the interpreter.
    connection.execute(
        f"INSERT INTO block_{newest.number} (taken_at, body) SELECT ?, value FROM carray(?)",
        (now, apsw.carray(tuple(bodies))),
    )
    return connection.last_insert_rowid()


def empty(connection: apsw.Connection, block: Block) -> int:
    """Delete all of a block; return how many events."""
    events = 0
    # Of an empty table SQLite would write the root page all the same: once a second, in a journal that is idle.
    if connection.execute(f"SELECT EXISTS (SELECT 1 FROM block_{block.number})").get:
        connection.execute(f"DELETE FROM block_{block.number}")  # without a condition: it gives back pages, not rows
        events = connection.changes()
    # The newest goes on to be used.
    connection.execute("DELETE FROM blocks WHERE first = ? AND first < (SELECT max(first) FROM blocks)", (block.first,))
    return events


def delete_rows(connection: apsw.Connection, block: Block, to: int, most: int) -> int:
    """Delete the first events of a block up to and including a position, at most so many; return how many."""
    connection.execute(
        f"DELETE FROM block_{block.number} WHERE position <= min(:to, coalesce("
        f"(SELECT position FROM block_{block.number} ORDER BY position LIMIT 1 OFFSET :others), :to))",
        {"to": to, "others": most - 1},
    )
    return connection.changes()


def _next(connection: apsw.Connection, used: Sequence[Block], bodies: Sequence[bytes]) -> Block:
    """The block that new events go to from now on: a free one, or else the newest as before."""
    free = set(range(BLOCKS)).difference(block.number for block in used)
    if not free:
        return used[-1]
    number = min(free)
    if not connection.table_exists(None, f"block_{number}"):
        _create(connection, number)
    begin = used[-1].last + 1
    mean_bytes = sum([len(body) for body in bodies]) / len(bodies)
    room = max(1, min(EVENTS, int(_BYTES / max(1.0, mean_bytes))))
    # AUTOINCREMENT goes on after what stands there.
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (f"block_{number}",))
    connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (f"block_{number}", begin - 1))
    connection.execute("INSERT INTO blocks VALUES (?, ?, ?)", (begin, number, room))
    return Block(begin, number, room, begin - 1)


def _create(connection: apsw.Connection, number: int) -> None:
    connection.execute(
        f"CREATE TABLE block_{number} (position INTEGER PRIMARY KEY AUTOINCREMENT, taken_at REAL NOT NULL,"
        " body BLOB NOT NULL) STRICT"
    )
    every = (f"SELECT position, taken_at, body FROM block_{each}" for each in range(number + 1))
    connection.execute(f"DROP VIEW events; CREATE VIEW events AS {' UNION ALL '.join(every)}")
