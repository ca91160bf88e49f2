"""Records of time series that are kept to be read: they make no attributes, and go after their time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw
import msgspec
import orjson

from exporter.source.profiles.merge.naming import identity_key
from exporter.source.profiles.port import Happened
from exporter.source.records import ArrayUpsert, Identity, Record


def keep(connection: apsw.Connection, records: Iterable[Record]) -> None:
    """Keep ``records``; one that is here is replaced."""
    connection.executemany(
        "REPLACE INTO time_series VALUES (?, ?, ?, ?, ?)",
        [(_key(each.primary), each.taken, each.xaction_id, each.dataset, _json(each.entity)) for each in records],
    )


def _key(identity: Identity) -> bytes:
    return identity_key(identity.namespace, identity.id)


def _json(entity: dict[str, Any]) -> bytes:
    # Numbers may be larger than orjson writes.
    return msgspec.json.encode(_plain(entity))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return list(value.items) if type(value) is ArrayUpsert else value


def erase(connection: apsw.Connection, erased: Sequence[tuple[bytes, int]]) -> None:
    """Forget what was taken of each identity, by its key, up to a time in epoch milliseconds."""
    connection.executemany("DELETE FROM time_series WHERE key = ? AND taken <= ?", erased)


def read(
    connection: apsw.Connection, identities: Sequence[Identity], since: int, until: int, limit: int
) -> list[Happened]:
    """The oldest ``limit`` records of ``identities`` that were taken from ``since`` on and before ``until``."""
    found = [
        Happened(identity, name, taken, dataset, orjson.loads(entity))
        for identity in identities
        for taken, name, dataset, entity in connection.execute(
            "SELECT taken, name, dataset, entity FROM time_series WHERE key = ? AND taken >= ? AND taken < ? "
            "ORDER BY taken, name LIMIT ?",
            (_key(identity), since, until, limit),
        )
    ]
    return sorted(found, key=lambda each: each.taken)[:limit]


def drop(connection: apsw.Connection, before: int, limit: int) -> int:
    """Forget ``limit`` records that were taken before ``before``; return how many there were."""
    connection.execute(
        "DELETE FROM time_series WHERE (key, taken, name) IN "
        "(SELECT key, taken, name FROM time_series WHERE taken < ? LIMIT ?)",
        (before, limit),
    )
    return connection.changes()


def forget(connection: apsw.Connection, dataset: str) -> None:
    """Forget all records of a dataset."""
    connection.execute("DELETE FROM time_series WHERE dataset = ?", (dataset,))
