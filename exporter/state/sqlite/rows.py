"""Every SQL statement on dead letters, each a function of a connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import apsw
import orjson

from exporter.state.letter import Filter, Letter, Summary
from exporter.state.store import UNSENT_KEPT, Delivery, Overview, Survey, Totals
from exporter.state.stored_letter import Fields, storable

_SUMMARY: Final = (
    "id, group_name, lane, position, destination, profile_id, event_id, reason, detail, status, attempts, "
    "first_at, at, superseded, replay"
)
_WHICH: Final = """
    (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
    AND (:destination IS NULL OR destination = :destination)
    AND (:reason IS NULL OR reason = :reason)
    AND (:profile_id IS NULL OR profile_id = :profile_id)
    AND (:since IS NULL OR at >= :since)
    AND (:until IS NULL OR at < :until)
    AND (:superseded IS NULL OR superseded = :superseded)
"""
_PUT: Final = """
    INSERT INTO letters (group_name, lane, position, destination, profile_id, event_id, reason, detail, status,
                         attempts, first_at, at, superseded, answer, body, bytes)
    VALUES (:group_name, :lane, :position, :destination, :profile_id, :event_id, :reason, :detail, :status,
            :attempts, :first_at, :at, :superseded, :answer, :body, :bytes)
    ON CONFLICT (group_name, lane, position) DO UPDATE SET
      profile_id = excluded.profile_id, event_id = excluded.event_id, reason = excluded.reason,
      detail = excluded.detail, status = excluded.status, attempts = excluded.attempts, at = excluded.at,
      superseded = max(superseded, excluded.superseded), answer = excluded.answer, body = excluded.body,
      bytes = excluded.bytes,
      replay = iif(max(superseded, excluded.superseded) AND replay = 'asked', 'none', replay)
"""
_SUPERSEDE: Final = """
    UPDATE letters SET superseded = 1, replay = iif(replay = 'asked', 'none', replay)
    WHERE destination = ? AND profile_id = ? AND superseded = 0
      AND (group_name <> ? OR lane <> ? OR position < ?)
"""
_CURRENT: Final = "SELECT 1 FROM letters WHERE destination = ? AND profile_id = ? AND superseded = 0 LIMIT 1"
_REQUESTED: Final = f"""
    SELECT {_SUMMARY}, answer, body FROM letters
    WHERE destination = ? AND replay <> 'none' AND lane IN (SELECT value FROM json_each(?))
      AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY lane, position LIMIT ?
"""  # noqa: S608 - only constants are put together
_FAILED: Final = """
    UPDATE letters SET reason = :reason, detail = :detail, status = :status, attempts = :attempts, at = :at,
      answer = :answer, superseded = max(superseded, :superseded), replay = 'none',
      bytes = bytes + :growth - octet_length(answer) - octet_length(detail)
    WHERE id = :id
"""
_PAGE: Final = f"SELECT {_SUMMARY} FROM letters WHERE id > :after AND {_WHICH} ORDER BY id LIMIT :limit"  # noqa: S608
_IDS: Final = f"SELECT id FROM letters WHERE id > :after AND {_WHICH} ORDER BY id LIMIT :limit"  # noqa: S608
_COUNT: Final = f"SELECT count(*) FROM letters WHERE {_WHICH}"  # noqa: S608
_LETTER: Final = f"SELECT {_SUMMARY}, answer, body FROM letters WHERE id = ?"  # noqa: S608


def totals(connection: apsw.Connection, destination: str) -> Totals:
    """Letters and bytes of a destination."""
    row = connection.execute("SELECT letters, bytes FROM totals WHERE destination = ?", (destination,)).get
    return Totals(*row) if row else Totals()


def overview(connection: apsw.Connection) -> Overview:
    """The totals of every destination, the destinations with a waiting replay, and the newest id."""
    rows = connection.execute("SELECT destination, letters, bytes FROM totals")
    kept = {destination: Totals(letters, size) for destination, letters, size in rows}
    asked = connection.execute("SELECT DISTINCT destination FROM letters WHERE replay <> 'none'")
    return Overview(kept, frozenset(destination for (destination,) in asked), newest(connection))


def newest(connection: apsw.Connection) -> int:
    """The highest id ever given, 0 before the first."""
    return connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'letters'").get or 0


def survey(connection: apsw.Connection, destination: str, after: int) -> Survey:
    """The profiles that have current letters with an id above ``after``."""
    last = newest(connection)
    found = connection.execute(
        "SELECT DISTINCT profile_id FROM letters "
        "WHERE destination = ? AND id > ? AND superseded = 0 AND profile_id IS NOT NULL",
        (destination, after),
    )
    return Survey([profile_id for (profile_id,) in found], last)


def highest(connection: apsw.Connection, group: str, lane: str) -> int | None:
    """The highest position of a lane that has a letter."""
    found: int | None = connection.execute(
        "SELECT max(position) FROM letters WHERE group_name = ? AND lane = ?", (group, lane)
    ).get
    return found


def growth(connection: apsw.Connection, rows: Iterable[Fields]) -> int:
    """By how many bytes the store would grow; replaced letters are taken off."""
    last = {(row["group_name"], row["lane"], row["position"]): row["bytes"] for row in rows}
    old = "SELECT bytes FROM letters WHERE group_name = ? AND lane = ? AND position = ?"
    return sum(size - (connection.execute(old, key).get or 0) for key, size in last.items())


def put(connection: apsw.Connection, rows: Iterable[Fields]) -> None:
    """Store letters, each in the place of a letter with the same key."""
    for row in rows:
        connection.execute(_PUT, dict(row))


def supersede(
    connection: apsw.Connection, destination: str, group: str, deliveries: Iterable[Delivery]
) -> Sequence[str]:
    """Mark letters that ``deliveries`` supersede; return the profiles without a current letter left."""
    none_left = []
    for profile_id, lane, position in deliveries:
        connection.execute(_SUPERSEDE, (destination, profile_id, group, lane, position))
        if connection.execute(_CURRENT, (destination, profile_id)).get is None:
            none_left.append(profile_id)
    return none_left


def kept(connection: apsw.Connection, group: str, lane: str, positions: Iterable[int]) -> frozenset[int]:
    """The ``positions`` that have a letter."""
    found = connection.execute(
        "SELECT position FROM letters WHERE group_name = ? AND lane = ? "
        "AND position IN (SELECT value FROM json_each(?))",
        (group, lane, _ids(positions)),
    )
    return frozenset(position for (position,) in found)


def asked_lanes(connection: apsw.Connection, destination: str) -> Sequence[str]:
    """The lanes of letters whose replay waits."""
    rows = connection.execute(
        "SELECT DISTINCT lane FROM letters WHERE destination = ? AND replay <> 'none' ORDER BY lane", (destination,)
    )
    return [lane for (lane,) in rows]


def requested(
    connection: apsw.Connection, destination: str, lanes: Sequence[str], but: Iterable[int], limit: int
) -> Sequence[Letter]:
    """Letters of ``lanes`` whose replay waits, without the ids ``but``."""
    rows = connection.execute(_REQUESTED, (destination, orjson.dumps(list(lanes)).decode(), _ids(but), limit))
    return [_letter(row) for row in rows]


def failed(connection: apsw.Connection, letter_id: int, row: Fields) -> None:
    """Note how a replay failed; first attempt, event and key stay."""
    size = len(row["answer"].encode()) + len(row["detail"].encode())
    connection.execute(_FAILED, {**row, "id": letter_id, "growth": size})


def page(connection: apsw.Connection, which: Filter, after: int, limit: int) -> Sequence[Summary]:
    """Summaries in the order of ids."""
    rows = connection.execute(_PAGE, _named(which) | {"after": after, "limit": limit})
    return [_summary(row) for row in rows]


def ids(connection: apsw.Connection, which: Filter, after: int, limit: int) -> Sequence[int]:
    """Ids in ascending order."""
    rows = connection.execute(_IDS, _named(which) | {"after": after, "limit": limit})
    return [letter_id for (letter_id,) in rows]


def count(connection: apsw.Connection, which: Filter) -> int:
    """How many letters the filter means."""
    return int(connection.execute(_COUNT, _named(which)).get)


def letter(connection: apsw.Connection, letter_id: int) -> Letter | None:
    """A whole letter."""
    row = connection.execute(_LETTER, (letter_id,)).fetchone()
    return None if row is None else _letter(row)


def ask(connection: apsw.Connection, letter_ids: Sequence[int], *, superseded: bool) -> None:
    """Ask for the replay of letters; ``asked_superseded`` never falls back to ``asked``."""
    connection.execute(
        "UPDATE letters SET replay = iif(? OR replay = 'asked_superseded', 'asked_superseded', 'asked') "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (superseded, _ids(letter_ids)),
    )


def replays(connection: apsw.Connection, letter_ids: Sequence[int]) -> Mapping[int, str]:
    """The replay of each letter that is there; for a letter that was deleted unsent, the reason."""
    these = _ids(letter_ids)
    return dict(
        connection.execute(
            "SELECT id, replay FROM letters WHERE id IN (SELECT value FROM json_each(?)) "
            "UNION ALL SELECT id, why FROM unsent WHERE id IN (SELECT value FROM json_each(?))",
            (these, these),
        )
    )


def purge(connection: apsw.Connection, letter_ids: Iterable[int]) -> int:
    """Delete letters, and remember for a while the ids whose replay waits; return how many letters were deleted."""
    return delete_unsent(connection, letter_ids, "purged")


def delete_unsent(connection: apsw.Connection, letter_ids: Iterable[int], why: str) -> int:
    """Delete letters, and remember for a while why; of purged letters only those whose replay waits."""
    these = list(letter_ids)
    connection.execute(
        "INSERT OR IGNORE INTO unsent "
        "SELECT id, :why FROM letters "
        "WHERE (replay <> 'none' OR :why <> 'purged') AND id IN (SELECT value FROM json_each(:ids))",
        {"why": why, "ids": _ids(these)},
    )
    connection.execute(
        "DELETE FROM unsent WHERE id <= (SELECT id FROM unsent ORDER BY id DESC LIMIT 1 OFFSET ?)", (UNSENT_KEPT,)
    )
    return delete(connection, these)


def delete(connection: apsw.Connection, letter_ids: Iterable[int]) -> int:
    """Delete letters; return how many were there."""
    connection.execute("DELETE FROM letters WHERE id IN (SELECT value FROM json_each(?))", (_ids(letter_ids),))
    return connection.changes()


def shrink(connection: apsw.Connection, pages: int) -> bool:
    """Give up to ``pages`` free pages back to the file system; return whether to go on."""
    before = connection.pragma("freelist_count")
    connection.execute(f"PRAGMA incremental_vacuum({pages:d})").fetchall()
    return bool(0 < connection.pragma("freelist_count") < before)


def _ids(letter_ids: Iterable[int]) -> str:
    return orjson.dumps(list(letter_ids)).decode()


def _named(which: Filter) -> dict[str, Any]:
    return {
        "ids": _ids(which.ids) if which.ids else None,
        "destination": which.destination,
        "reason": which.reason,
        "profile_id": None if which.profile_id is None else storable(which.profile_id),
        "since": which.since,
        "until": which.until,
        "superseded": which.superseded,
    }


def _summary(row: Sequence[Any]) -> Summary:
    return Summary(
        id=row[0],
        group=row[1],
        lane=row[2],
        position=row[3],
        destination=row[4],
        profile_id=row[5],
        event_id=row[6],
        reason=row[7],
        detail=row[8],
        status=row[9],
        attempts=row[10],
        first_at=row[11],
        at=row[12],
        superseded=bool(row[13]),
        replay=row[14],
    )


def _letter(row: Sequence[Any]) -> Letter:
    return Letter.of(_summary(row), answer=row[15], body=row[16])
