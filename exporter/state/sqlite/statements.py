"""The longer SQL statements on dead letters, and how letters go into them and come out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, Final, TypeVar

import orjson

from exporter.state.letter import Answered, Filter, Letter, StorableLetter, Summary, size_bytes, storable

S = TypeVar("S", bound=Summary)


def _columns(shape: type[Summary]) -> str:
    """The columns for the fields of ``shape``, in order; they have the fields' names but for SQL's word ``group``."""
    return ", ".join(f"{each.name}_name" if each.name == "group" else each.name for each in fields(shape))


_WHICH: Final = """
    (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
    AND (:destination IS NULL OR destination = :destination)
    AND (:reason IS NULL OR reason = :reason)
    AND (:profile_id IS NULL OR profile_id = :profile_id)
    AND (:since IS NULL OR at >= :since)
    AND (:until IS NULL OR at < :until)
    AND (:superseded IS NULL OR superseded = :superseded)
"""
_INSERT: Final = """
    INSERT INTO letters (group_name, lane, position, destination, profile_id, event_id, reason, detail, status,
                         attempts, first_at, at, superseded, answer, body, bytes)
    VALUES (:group, :lane, :position, :destination, :profile_id, :event_id, :reason, :detail, :status,
            :attempts, :first_at, :at, :superseded, :answer, :body, :bytes)
    ON CONFLICT (group_name, lane, position) DO
"""
#: Stores a letter, unless there is one that has its key.
PUT_NEW: Final = f"{_INSERT} NOTHING"
#: Stores a letter; a letter that has its key keeps id, first attempt, mark and replay.
PUT: Final = f"""{_INSERT} UPDATE SET
      profile_id = excluded.profile_id, event_id = excluded.event_id, reason = excluded.reason,
      detail = excluded.detail, status = excluded.status, attempts = excluded.attempts, at = excluded.at,
      answer = excluded.answer, body = excluded.body, bytes = excluded.bytes
"""
#: Superseding is decided here: a delivery marks every letter of its profile, but for letters of the same lane at the
#: position or after. A replay that was asked for without ``--superseded`` is withdrawn.
SUPERSEDE: Final = """
    UPDATE letters SET superseded = 1, replay = iif(replay = 'asked', 'none', replay)
    WHERE destination = ? AND profile_id = ? AND superseded = 0
      AND (group_name <> ? OR lane <> ? OR position < ?)
"""
CURRENT: Final = "SELECT 1 FROM letters WHERE destination = ? AND profile_id = ? AND superseded = 0 LIMIT 1"
PROFILES: Final = """
    SELECT DISTINCT profile_id FROM letters
    WHERE destination = ? AND id > ? AND superseded = 0 AND profile_id IS NOT NULL
"""
KEPT: Final = """
    SELECT position FROM letters
    WHERE group_name = ? AND lane = ? AND position IN (SELECT value FROM json_each(?))
"""
REQUESTED: Final = f"""
    SELECT {_columns(Letter)} FROM letters
    WHERE destination = ? AND replay <> 'none' AND lane IN (SELECT value FROM json_each(?))
      AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY lane, position LIMIT ?
"""  # noqa: S608 - only constants are put together
FAILED: Final = """
    UPDATE letters SET reason = :reason, detail = :detail, status = :status, attempts = :attempts, at = :at,
      answer = :answer, replay = 'none',
      bytes = bytes + octet_length(:answer) + octet_length(:detail) - octet_length(answer) - octet_length(detail)
    WHERE id = :id
"""
ASK: Final = """
    UPDATE letters SET replay = iif(? OR replay = 'asked_superseded', 'asked_superseded', 'asked')
    WHERE id IN (SELECT value FROM json_each(?))
"""
REPLAYS: Final = """
    SELECT id, replay FROM letters WHERE id IN (SELECT value FROM json_each(:ids))
    UNION ALL SELECT id, why FROM unsent WHERE id IN (SELECT value FROM json_each(:ids))
"""
#: Notes why letters are deleted; of purged letters only those whose replay waits.
REMEMBER_UNSENT: Final = """
    INSERT OR IGNORE INTO unsent SELECT id, :why FROM letters
    WHERE (replay <> 'none' OR :why <> 'purged') AND id IN (SELECT value FROM json_each(:ids))
"""
FORGET_UNSENT: Final = "DELETE FROM unsent WHERE id <= (SELECT id FROM unsent ORDER BY id DESC LIMIT 1 OFFSET ?)"
DELETE: Final = "DELETE FROM letters WHERE id IN (SELECT value FROM json_each(?))"
PAGE: Final = f"SELECT {_columns(Summary)} FROM letters WHERE id > :after AND {_WHICH} ORDER BY id LIMIT :limit"  # noqa: S608
IDS: Final = f"SELECT id FROM letters WHERE id > :after AND {_WHICH} ORDER BY id LIMIT :limit"  # noqa: S608
COUNT: Final = f"SELECT count(*) FROM letters WHERE {_WHICH}"  # noqa: S608
#: Between two ids: no index has the ids of a destination, so a look goes back in steps.
LATEST: Final = f"""
    SELECT {_columns(Answered)} FROM letters
    WHERE id > :above AND id <= :upto AND (:destination IS NULL OR destination = :destination)
    ORDER BY id DESC LIMIT :limit
"""  # noqa: S608
ANSWERS: Final = "SELECT id, answer FROM letters WHERE id IN (SELECT value FROM json_each(?))"
LETTER: Final = f"SELECT {_columns(Letter)} FROM letters WHERE id = ?"  # noqa: S608


def listed(values: Iterable[int | str]) -> str:
    """The values for ``json_each``."""
    return orjson.dumps(list(values)).decode()


def bound(letter: StorableLetter) -> dict[str, Any]:
    """The values of a letter for ``PUT`` and ``FAILED``."""
    return {**asdict(letter), "answer": letter.answer.decode(), "bytes": size_bytes(letter)}


def criteria(which: Filter) -> dict[str, Any]:
    """The values of a filter."""
    return {
        **asdict(which),
        "ids": listed(which.ids) if which.ids else None,
        "profile_id": None if which.profile_id is None else storable(which.profile_id),
    }


def read_as(shape: type[S], row: Sequence[Any]) -> S:
    """The summary or letter in a row of ``_columns(shape)``."""
    values = dict(zip((each.name for each in fields(shape)), row, strict=True))
    return shape(**{**values, "superseded": bool(values["superseded"])})
