"""The port ``BadRecordStore`` in SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

import apsw

from exporter.database import Database
from exporter.state.bad_record import (
    REFUSED,
    BadRecord,
    BadRecordFilter,
    BadRecordSummary,
    StorableBadRecord,
    size_of_bad_record,
)
from exporter.state.bad_records_port import BadRecordStore
from exporter.state.port import TooLarge, Totals
from exporter.state.sqlite.file import StateFile
from exporter.state.sqlite.letter_store import CHUNK
from exporter.state.sqlite.shrinking import shrink
from exporter.state.sqlite.statements import listed

_SUMMARY: Final = ", ".join(each.name for each in fields(BadRecordSummary))
_WHOLE: Final = ", ".join(each.name for each in fields(BadRecord))
_WHICH: Final = """
    (:names IS NULL OR name IN (SELECT value FROM json_each(:names)))
    AND (:source IS NULL OR source = :source)
    AND (:flow IS NULL OR flow = :flow)
    AND (:reason IS NULL OR reason = :reason)
    AND (:identities IS NULL OR identity IN (SELECT value FROM json_each(:identities)))
    AND (:since IS NULL OR kept >= :since)
    AND (:until IS NULL OR kept < :until)
    AND (:dataset IS NULL OR dataset = :dataset)
    AND (:taken_since IS NULL OR taken >= :taken_since)
    AND (:taken_until IS NULL OR taken < :taken_until)
"""
_INSERT: Final = """
    INSERT INTO bad_records (name, inlet, source, flow, dataset, reason, detail, taken, kept, bytes, identity,
                             violations, message)
    VALUES (:name, :inlet, :source, :flow, :dataset, :reason, :detail, :taken, :kept, :bytes, :identity,
            :violations, :message)
"""
_DELETE: Final = "DELETE FROM bad_records WHERE name IN (SELECT value FROM json_each(?))"
_HELD: Final = f"SELECT coalesce(sum(bytes), 0) FROM bad_record_totals WHERE reason <> '{REFUSED}'"  # noqa: S608
_REPLACED: Final = f"SELECT bytes FROM bad_records WHERE name = ? AND reason <> '{REFUSED}'"  # noqa: S608
_RING: Final = f"SELECT bytes FROM bad_record_totals WHERE reason = '{REFUSED}'"  # noqa: S608
_OLDEST: Final = f"SELECT id, bytes FROM bad_records WHERE reason = '{REFUSED}' ORDER BY id"  # noqa: S608
#: The first to go may be told by an id, since the oldest go.
_DROP: Final = f"DELETE FROM bad_records WHERE reason = '{REFUSED}' AND id <= ?"  # noqa: S608
_NAMES: Final = f"SELECT id, name FROM bad_records WHERE id > ? AND reason <> '{REFUSED}' ORDER BY id LIMIT ?"  # noqa: S608
_NEWEST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'bad_records'"
_OLDEST_FIRST: Final = f"""
    SELECT {_SUMMARY} FROM bad_records WHERE (:beyond IS NULL OR id > :beyond) AND {_WHICH} ORDER BY id LIMIT :limit
"""  # noqa: S608
#: The same by an index, so that the letters of a flow's hour are found without a look at all others.
_OF_FLOW: Final = f"""
    SELECT {_SUMMARY} FROM bad_records INDEXED BY bad_records_by_flow
    WHERE flow = :flow AND id > coalesce(:beyond, 0) AND {_WHICH} ORDER BY id LIMIT :limit
"""  # noqa: S608
_NEWEST_FIRST: Final = f"""
    SELECT {_SUMMARY} FROM bad_records WHERE (:beyond IS NULL OR id < :beyond) AND {_WHICH} ORDER BY id DESC
    LIMIT :limit
"""  # noqa: S608
_RECORD: Final = f"SELECT {_WHOLE} FROM bad_records WHERE name = ?"  # noqa: S608
_COUNT: Final = f"SELECT count(*) FROM bad_records WHERE {_WHICH}"  # noqa: S608
_IDS: Final = f"SELECT id FROM bad_records WHERE id > :after AND {_WHICH} ORDER BY id LIMIT :limit"  # noqa: S608
_DELETE_IDS: Final = "DELETE FROM bad_records WHERE id IN (SELECT value FROM json_each(?))"


class SqliteBadRecordStore(BadRecordStore):
    """``BadRecordStore`` in an open file; several processes of one machine may share the file."""

    def __init__(self, database: Database) -> None:
        self._file = StateFile(database)

    async def keep(self, records: Sequence[StorableBadRecord], max_bytes: int) -> TooLarge | None:
        rows = [_bound(record) for record in records]

        def write(connection: apsw.Connection) -> TooLarge | None:
            held = connection.execute(_HELD).get
            last = {row["name"]: row["bytes"] for row in rows}
            growth = sum(size - (connection.execute(_REPLACED, (name,)).get or 0) for name, size in last.items())
            alone = not held and len(last) == 1
            if growth > 0 and held + growth > max_bytes and not alone:
                return TooLarge(growth)
            _replace(connection, rows)
            return None

        return await self._file.write(write)

    async def remember(self, records: Sequence[StorableBadRecord], ring_bytes: int) -> None:
        rows = [_bound(record) for record in records]

        def write(connection: apsw.Connection) -> None:
            _replace(connection, rows)
            _drop_oldest(connection, (connection.execute(_RING).get or 0) - ring_bytes)

        await self._file.write(write)

    async def delete(self, names: Sequence[str]) -> int:
        return await self._delete(_DELETE, names)

    async def names(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        return [(id_, name) for id_, name in await self._rows(_NAMES, (after, limit))]

    async def newest(self) -> int:
        found = await self._rows(_NEWEST, ())
        return int(found[0][0]) if found else 0

    async def totals(self) -> Mapping[str, Totals]:
        rows = await self._rows("SELECT reason, letters, bytes FROM bad_record_totals", ())
        return {reason: Totals(letters, size) for reason, letters, size in rows}

    async def page(
        self, which: BadRecordFilter, beyond: int | None, limit: int, *, newest_first: bool
    ) -> Sequence[BadRecordSummary]:
        statement = _NEWEST_FIRST if newest_first else _OLDEST_FIRST if which.flow is None else _OF_FLOW
        found = await self._rows(statement, {**_criteria(which), "beyond": beyond, "limit": limit})
        return [BadRecordSummary(**_named(BadRecordSummary, row)) for row in found]

    async def record(self, name: str) -> BadRecord | None:
        found = await self._rows(_RECORD, (name,))
        return BadRecord(**_named(BadRecord, found[0])) if found else None

    async def count(self, which: BadRecordFilter) -> int:
        [(count,)] = await self._rows(_COUNT, _criteria(which))
        return int(count)

    async def purge(self, which: BadRecordFilter) -> int:
        """Gives free pages back to the file system too. What is meant is looked up outside of writes."""
        purged = after = 0
        while found := await self._rows(_IDS, {**_criteria(which), "after": after, "limit": CHUNK}):
            ids = [id_ for (id_,) in found]
            purged += await self._delete(_DELETE_IDS, ids)
            after = ids[-1]
        await shrink(self._file)
        return purged

    async def _delete(self, statement: str, keys: Sequence[int] | Sequence[str]) -> int:
        def write(connection: apsw.Connection) -> int:
            connection.execute(statement, (listed(keys),))
            return connection.changes()

        return await self._file.write(write)

    async def _rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return await self._file.read(lambda connection: connection.execute(statement, values).fetchall())


def _replace(connection: apsw.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Not by ``INSERT OR REPLACE``, whose deletions run no triggers, so that totals would be wrong."""
    for row in rows:
        connection.execute("DELETE FROM bad_records WHERE name = :name", row)
        connection.execute(_INSERT, row)


def _drop_oldest(connection: apsw.Connection, excess: int) -> None:
    """Delete the oldest refused elements until ``excess`` bytes are gone; the newest of all stays in any case."""
    last = None
    if excess > 0:
        newest = connection.execute(_NEWEST).get
        for id_, size in connection.execute(_OLDEST):
            if excess <= 0 or id_ == newest:
                break
            last, excess = id_, excess - size
    if last is not None:
        connection.execute(_DROP, (last,))


def _bound(record: StorableBadRecord) -> dict[str, Any]:
    return {**asdict(record), "bytes": size_of_bad_record(record)}


def _criteria(which: BadRecordFilter) -> dict[str, Any]:
    return {
        **asdict(which),
        "names": _texts(which.names),
        "identities": _texts(which.identities),
    }


def _texts(texts: Sequence[str]) -> str | None:
    return listed(texts) if texts else None


def _named(shape: type[BadRecordSummary], row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip((each.name for each in fields(shape)), row, strict=True))
