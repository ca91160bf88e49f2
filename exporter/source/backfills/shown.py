"""A backfill as operators see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.source.profiles.port import Backfill

#: So many backfills that are finished are shown, the last.
FINISHED_SHOWN = 20


def report(backfills: Sequence[Backfill], waits: Callable[[Backfill], str | None]) -> list[dict[str, Any]]:
    """All backfills that are under way and the last that finished, the first first; ``waits`` as in ``as_object``."""
    over = [each.number for each in backfills if each.finished]
    left_out = set(over[:-FINISHED_SHOWN])
    return [as_object(each, waits(each)) for each in backfills if each.number not in left_out]


def as_object(backfill: Backfill, waits: str | None = None) -> dict[str, Any]:
    """For JSON; ``waits`` says why it tells nothing now."""
    moment = datetime.fromtimestamp(backfill.mapped / 1000, UTC)
    return {
        "number": backfill.number,
        "destination": backfill.destination,
        "segments": [{"namespace": namespace, "id": id_} for namespace, id_ in backfill.segments],
        "mapped_at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "done": backfill.done,
        "total": backfill.total,
        "skipped": backfill.skipped,
        "finished": backfill.finished,
        "waits": waits,
    }
