"""The events that wait to be published, many to a row: a row is what one transaction told, or a part of it.

A row has the name of the opening of the file by which it was put there, and events are published under that name. A
file that came back from a copy goes on with numbers that it has given before, in a time that it knows nothing of, and a
queue would take the events for those that it has. Under the name of a new opening it takes them; and what already
waited when the copy was made it still knows by the old name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import apsw
import msgspec

from exporter.source.profiles.merge.steps import Event
from exporter.source.profiles.port import Told

#: A row takes no more events beyond that many bytes.
_ROW_BYTES = 256 * 1024

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


def open_for_putting(connection: apsw.Connection) -> str:
    """Give what this connection puts into the outbox a producer of its own; return the producer's name."""
    name = uuid4().hex[:16]
    connection.create_scalar_function("opening", lambda *_: name, 0)
    return _producer(name)


def _producer(name: str) -> str:
    return f"profiles-{name}"


def put(connection: apsw.Connection, events: Sequence[Event], first: int, told_bytes: int) -> int:
    """Store ``events``, the first under number ``first``; return ``told_bytes`` with theirs."""
    for row in _rows(events):
        size = sum(len(event.body) for event in row)
        told_bytes += size
        packed = _encode(row)
        last = first + len(row) - 1
        connection.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, opening())", (last, first, size, told_bytes, packed)
        )
        first += len(row)
    return told_bytes


def _rows(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    row: list[Event] = []
    size = 0
    for event in events:
        row.append(event)
        size += len(event.body)
        if size >= _ROW_BYTES:
            yield row
            row, size = [], 0
    if row:
        yield row


def read(connection: apsw.Connection, after: int, limit: int, max_bytes: int) -> list[Told]:
    """Events with numbers above ``after``, in order, that have not been deleted; at least one if there is any."""
    found: list[Told] = []
    size = 0
    after = max(after, connection.execute("SELECT deleted_to FROM store").get)
    rows = "SELECT producer, first, events FROM outbox WHERE last > ? ORDER BY last"
    for name, first, events in connection.execute(rows, (after,)):
        producer = _producer(name)
        for number, (profile_id, body) in enumerate(_decode(events), first):
            if number <= after:
                continue
            found.append(Told(producer, number, profile_id, body))
            size += len(body)
            if len(found) >= limit or size >= max_bytes:
                return found
    return found


def delete(connection: apsw.Connection, to: int) -> None:
    """Delete the events up to number ``to``: first as far as a reader can see, then the rows that hold no other."""
    connection.execute("UPDATE store SET deleted_to = min(?, next_event - 1) WHERE deleted_to < ?", (to, to))
    if connection.changes():
        connection.execute("DELETE FROM outbox WHERE last <= ?", (to,))


@dataclass(slots=True)
class Passed:
    """The number up to which events are being deleted, 0: none are; ``deleted`` is set once a transaction did that.

    A transaction that comes first deletes them, and puts its own events into the very pages in which they were;
    ``transactions`` are on their way.
    """

    to: int = 0
    transactions: int = 0
    deleted: asyncio.Event = field(default_factory=asyncio.Event)


def waiting(connection: apsw.Connection) -> tuple[int, int]:
    """How many events wait, and their bytes. Those that share a row with an event that waits count as bytes, too."""
    ends = connection.execute(
        "SELECT (SELECT told_bytes FROM outbox ORDER BY last DESC LIMIT 1), told_bytes - bytes"
        " FROM outbox ORDER BY last LIMIT 1"
    ).fetchone()
    if ends is None:
        return 0, 0
    number: int = connection.execute("SELECT next_event - 1 - deleted_to FROM store").get
    return number, ends[0] - ends[1]
