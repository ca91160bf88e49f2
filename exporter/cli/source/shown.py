"""How the command shows bad records: as a JSON object, a row of a table, or a whole letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from exporter.cli.shared.shown import (
    body_object,
    body_text,
    fields_text,
    parsed,
    shortened,
    shown_value,
    time_text,
)
from exporter.cli.shared.table import table
from exporter.sections.printable import printable
from exporter.state.bad_record import REFUSED, BadRecord, BadRecordSummary

_HEAD = ("NAME", "KEPT", "SOURCE", "FLOW", "DATASET", "REASON", "NOTE")
#: An inlet's id is a secret: whoever has it may send.
_INLET_CHARACTERS = 8

#: Gives the record as it was sent of a message of the intake; None where the message cannot be read.
BodyOf = Callable[[bytes], bytes | None]


def as_object(record: BadRecordSummary) -> dict[str, Any]:
    """A bad record in the form of ``list --json``; times are RFC 3339."""
    return {
        "xactionId": record.name,
        "source": record.source,
        "inlet": record.inlet[:_INLET_CHARACTERS],
        "flow": record.flow or None,
        "dataset": record.dataset,
        "reason": record.reason,
        "detail": record.detail,
        "taken": time_text(record.taken / 1000),
        "kept": time_text(record.kept / 1000),
    }


def whole_object(record: BadRecord, body_of: BodyOf) -> dict[str, Any]:
    """``as_object`` with the violations and the record as it was sent: JSON where that is JSON, text otherwise."""
    violations = parsed(record.violations)
    return {
        **as_object(record),
        "violations": printable(record.violations) if violations is None else violations[0],
        **body_object(_sent(record, body_of)),
    }


def rows(records: Sequence[BadRecordSummary]) -> str:
    """A table of bad records."""
    return table(_HEAD, (_row(record) for record in records))


def whole(record: BadRecord, body_of: BodyOf) -> str:
    """Everything that is kept of a bad record, for people."""
    shown = {
        "name": printable(record.name),
        "source": printable(record.source),
        "inlet": f"{printable(record.inlet[:_INLET_CHARACTERS])}…",
        "flow": shown_value(record.flow or None),
        "dataset": printable(record.dataset),
        "reason": record.reason,
        "detail": printable(record.detail),
        "taken": time_text(record.taken / 1000),
        "kept": time_text(record.kept / 1000),
    }
    return "\n".join([fields_text(shown), "", body_text(record.violations), "", body_text(_sent(record, body_of))])


def _row(record: BadRecordSummary) -> tuple[str, ...]:
    return (
        printable(record.name),
        time_text(record.kept / 1000),
        printable(record.source),
        shortened(record.flow or None),
        shortened(record.dataset),
        record.reason,
        printable(record.detail)[:60],
    )


def _sent(record: BadRecord, body_of: BodyOf) -> bytes:
    """The record as it was sent; the message as it stands where that cannot be told. A refused element is itself."""
    body = None if record.reason == REFUSED else body_of(record.message)
    return record.message if body is None else body
