"""What is counted of records, in the transaction that applies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw

from exporter.source.profiles.tally import OUTPUT, Fate, Part, Tally

_COUNT: Final = "INSERT INTO counters VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"
_ADD: Final = """
    INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
      records = records + excluded.records, bytes = bytes + excluded.bytes,
      first = min(first, excluded.first), last = max(last, excluded.last),
      waited = waited + excluded.waited,
      fastest = min(fastest, excluded.fastest), slowest = max(slowest, excluded.slowest),
      counted = max(counted, excluded.counted)
"""
_FAILED: Final = "INSERT OR REPLACE INTO failed VALUES (?, ?, ?)"
_OUTPUT: Final = ", ".join(f"'{outcome}'" for outcome in OUTPUT)
#: Moves a record out of an outcome. The times are of the record as it came first, so they stay behind.
_TAKE: Final = """
    UPDATE runs SET records = records - 1, bytes = bytes - ?5
    WHERE hour = ?1 AND flow = ?2 AND dataset = ?3 AND outcome = ?4 AND records > 0
"""
_PUT: Final = """
    INSERT INTO runs SELECT hour, flow, dataset, ?5, 1, ?6, first, last, 0, fastest, slowest, ?7
      FROM runs WHERE hour = ?1 AND flow = ?2 AND dataset = ?3 AND outcome = ?4
    ON CONFLICT DO UPDATE SET records = records + 1, bytes = bytes + excluded.bytes, counted = excluded.counted
"""
_READ: Final = f"""
    SELECT runs.* FROM (
      SELECT DISTINCT hour, flow FROM runs
      WHERE hour BETWEEN :since AND :hour AND (hour < :hour OR flow < :last) AND (:flow IS NULL OR flow = :flow)
        AND (NOT :failed OR (outcome NOT IN ({_OUTPUT}) AND records > 0))
      ORDER BY hour DESC, flow DESC LIMIT :limit
    ) JOIN runs USING (hour, flow) WHERE records > 0 ORDER BY hour DESC, flow DESC
"""  # noqa: S608
#: After every hour.
_END: Final = 1 << 62
_DROP: Final = (
    "DELETE FROM runs WHERE (hour, flow, dataset, outcome) IN (SELECT hour, flow, dataset, outcome FROM runs "
    "WHERE hour < ? LIMIT ?)",
    "DELETE FROM failed WHERE name IN (SELECT name FROM failed WHERE hour < ? LIMIT ?)",
)


def add(connection: apsw.Connection, tally: Tally) -> None:
    """Count. To be called in a transaction."""
    if tally.counters:
        connection.executemany(_COUNT, list(tally.counters.items()))
    for part in tally.parts:
        connection.execute(
            _ADD,
            (
                *(part.hour, part.flow, part.dataset, part.outcome, part.records, part.bytes),
                *(part.first, part.last, part.waited, part.fastest, part.slowest, part.counted),
            ),
        )
    if tally.failed:
        connection.executemany(_FAILED, [(each.name, each.hour, each.outcome) for each in tally.failed])
    for fate in tally.again:
        _move(connection, fate)


def _move(connection: apsw.Connection, fate: Fate) -> None:
    """Count a record where it is now, and no more where it was; what was never counted, or long ago, is left out."""
    failed = connection.execute("SELECT outcome FROM failed WHERE name = ?", (fate.name,)).get
    is_output = fate.outcome in OUTPUT
    if failed == fate.outcome or (failed is None and is_output):
        return
    where = (fate.hour, fate.flow, fate.dataset)
    for before in OUTPUT if failed is None else (failed,):
        connection.execute(_TAKE, (*where, before, fate.bytes))
        if connection.changes():
            connection.execute(_PUT, (*where, before, fate.outcome, fate.bytes, fate.counted))
            break
    else:
        return
    if is_output:
        connection.execute("DELETE FROM failed WHERE name = ?", (fate.name,))
    else:
        connection.execute(_FAILED, (fate.name, fate.hour, fate.outcome))


def read(
    connection: apsw.Connection,
    since: int,
    beyond: tuple[int, str] | None,
    limit: int,
    flow: str | None,
    *,
    failed: bool,
) -> Sequence[Part]:
    """The parts of at most ``limit`` pairs of hour and flow after ``beyond``, the newest first."""
    hour, last = (_END, "") if beyond is None else beyond
    values = {"since": since, "hour": hour, "last": last, "flow": flow, "failed": failed, "limit": limit}
    return [Part(*row) for row in connection.execute(_READ, values)]


def drop(connection: apsw.Connection, before: int, limit: int) -> int:
    """Delete what is of hours before ``before``, at most ``limit`` rows of each table; return how many."""
    dropped = 0
    for statement in _DROP:
        connection.execute(statement, (before, limit))
        dropped += connection.changes()
    return dropped
