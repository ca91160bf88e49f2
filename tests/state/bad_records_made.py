"""Bad records for tests: sensible values, each of which a test may replace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.state.bad_record import NewBadRecord, size_of_bad_record, storable_bad_record
from exporter.state.port import Totals

INLET = "5e" * 32


def bad(number: int, **values: Any) -> NewBadRecord:
    """The record ``1000:0:<number>`` that was not valid, kept at ``2000 + number`` ms."""
    given: dict[str, Any] = {
        "name": name(number),
        "inlet": INLET,
        "source": "crm",
        "flow": "flow-1",
        "dataset": "dataset-1",
        "reason": "xdm",
        "detail": "/person/name is no text",
        "taken": 1000,
        "kept": 2000 + number,
        "message": b"\x01\x98\x00 \xff bytes",
        "violations": b'[{"keyword": "type"}]',
        "identity": f"email:p-{number}",
    }
    return NewBadRecord(**{**given, **values})


def refused(number: int, **values: Any) -> NewBadRecord:
    """An element of a batch that was refused, likewise."""
    return bad(number, **{"reason": "batch_message", "identity": None, **values})


def name(number: int) -> str:
    return f"1000:0:{number}"


def size(record: NewBadRecord) -> int:
    """The bytes that count."""
    return size_of_bad_record(storable_bad_record(record))


def there(totals: Mapping[str, Totals]) -> dict[str, Totals]:
    """The reasons that have letters."""
    return {reason: total for reason, total in totals.items() if total != Totals()}
