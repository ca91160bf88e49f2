"""Backfills: which profiles are told to a destination although nothing changed, and how far that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import orjson

from exporter.database import snapshot
from exporter.source.profiles.merge.leaves import Paths
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import Backfill, Segment
from exporter.source.profiles.sqlite.transaction import Transaction, segment_number

#: Stands for all profiles in ``backfilled``.
_ALL: Segment = ("", "")

_BACKFILLS = "SELECT number, destination, mapped, passed, done, total, skipped, finished FROM backfills"


@dataclass(frozen=True, slots=True)
class Beginning:
    """A backfill that is to begin: ``segments`` of which none was begun before, with ``total`` profiles."""

    destination: str
    segments: Sequence[Segment]
    mapped: int
    total: int


def plan(connection: apsw.Connection, destination: str, segments: Sequence[Segment], mapped: int) -> Beginning | None:
    """What is to begin; None where all of that was begun before. Counting may take a second or two."""
    known = connection.execute(
        "SELECT namespace, segment FROM backfilled WHERE destination = ? AND mapped = ?", (destination, mapped)
    )
    begun: set[Segment] = {(namespace, segment) for namespace, segment in known}
    wanted = [each for each in dict.fromkeys(segments or (_ALL,)) if each not in begun]
    if not wanted:
        return None
    return Beginning(destination, wanted, mapped, _count(connection, wanted))


def begin(connection: apsw.Connection, beginning: Beginning) -> Backfill:
    """Begin a backfill."""
    connection.execute(
        "INSERT INTO backfills (destination, mapped, passed, done, total, skipped, finished)"
        " VALUES (?, ?, 0, 0, ?, 0, 0)",
        (beginning.destination, beginning.mapped, beginning.total),
    )
    number = connection.last_insert_rowid()
    connection.executemany(
        "INSERT INTO backfilled VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(beginning.destination, beginning.mapped, *each, number) for each in beginning.segments],
    )
    segments = [each for each in beginning.segments if each != _ALL]
    return Backfill(number, beginning.destination, segments, beginning.mapped, 0, beginning.total, 0, False)


def step(connection: apsw.Connection, rules: Rules, number: int, limit: int, at: int, max_event_bytes: int) -> Backfill:
    """Tell the next ``limit`` profiles; see ``ProfileStore.backfill``."""
    row = connection.execute(f"{_BACKFILLS} WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise KeyError(number)
    _, destination, mapped, passed, done, total, skipped, finished = row
    segments = _segments(connection).get(number, [])
    if finished:
        return Backfill(number, destination, segments, mapped, done, total, skipped, True)
    next_ones = _next(connection, segments, passed, limit)
    transaction = Transaction.begin(connection, rules, Paths(), max_event_bytes, numbered=next_ones)
    for each in next_ones:
        profile = transaction.workspace.profile(each)
        event_id = f"backfill:{number}:{profile.profile_id}"
        skipped += not transaction.workspace.tell_backfill(event_id, at, destination, profile)
    transaction.end()
    passed = next_ones[-1] if next_ones else passed
    done += len(next_ones)
    finished = len(next_ones) < limit
    total = done if finished else max(total, done)
    connection.execute(
        "UPDATE backfills SET passed = ?, done = ?, total = ?, skipped = ?, finished = ? WHERE number = ?",
        (passed, done, total, skipped, finished, number),
    )
    return Backfill(number, destination, segments, mapped, done, total, skipped, finished)


def all_of(connection: apsw.Connection) -> list[Backfill]:
    """All backfills, the first first."""
    with snapshot(connection):
        segments = _segments(connection)
        rows: list[Any] = connection.execute(f"{_BACKFILLS} ORDER BY number").fetchall()
    return [
        Backfill(number, destination, segments.get(number, []), mapped, done, total, skipped, bool(finished))
        for number, destination, mapped, _, done, total, skipped, finished in rows
    ]


def _segments(connection: apsw.Connection) -> Mapping[int, list[Segment]]:
    found: dict[int, list[Segment]] = {}
    for number, *segment in connection.execute("SELECT backfill, namespace, segment FROM backfilled"):
        namespace, id_ = segment
        mine = found.setdefault(number, [])
        if (namespace, id_) != _ALL:
            mine.append((namespace, id_))
    return found


def _numbers(connection: apsw.Connection, segments: Iterable[Segment]) -> list[int]:
    found = (segment_number(connection, segment) for segment in segments)
    return [number for number in found if number is not None]


def _count(connection: apsw.Connection, segments: Sequence[Segment]) -> int:
    total: int
    if _ALL in segments:
        total = connection.execute("SELECT profiles FROM store").get
    else:
        numbers = orjson.dumps(_numbers(connection, segments)).decode()
        total = connection.execute(
            "SELECT count(DISTINCT profile) FROM members WHERE segment IN (SELECT value FROM json_each(?))", (numbers,)
        ).get
    return total


def _next(connection: apsw.Connection, segments: Sequence[Segment], passed: int, limit: int) -> list[int]:
    """The numbers of the next profiles, in order."""
    if not segments:
        rows = connection.execute(
            "SELECT number FROM profiles WHERE number > ? ORDER BY number LIMIT ?", (passed, limit)
        )
        return [number for (number,) in rows]
    statement = "SELECT profile FROM members WHERE segment = ? AND profile > ? ORDER BY profile LIMIT ?"
    found: set[int] = set()
    for segment in _numbers(connection, segments):
        found |= {number for (number,) in connection.execute(statement, (segment, passed, limit))}
    return sorted(found)[:limit]
