"""How the command shows bad records: as a JSON object, a row of a table, or a whole letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from exporter.cli.shared.look.table import Column, Row
from exporter.cli.shared.shown import (
    body_object,
    body_text,
    fields_text,
    parsed,
    shortened,
    shown_value,
    time_text,
)
from exporter.sections.printable import printable
from exporter.state.bad_record import REFUSED, BadRecord, BadRecordSummary

#: The columns of a list.
COLUMNS: Final = (
    Column("NAME"),
    Column("KEPT", spare=3),
    Column("SOURCE", folds=8, spare=1),
    Column("FLOW", folds=8, spare=2),
    Column("DATASET", spare=4),
    Column("REASON"),
    Column("NOTE", folds=20),
)
#: The begin of a note, for a line on a terminal.
_NOTE_CHARACTERS: Final = 80
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


def row(record: BadRecordSummary, *, is_whole: bool) -> Row:
    """The cells of a bad record; ``is_whole``: nothing is shortened."""
    cut = shown_value if is_whole else shortened
    detail = printable(record.detail)
    return (
        printable(record.name),
        time_text(record.kept / 1000),
        printable(record.source),
        cut(record.flow or None),
        cut(record.dataset),
        record.reason,
        detail if is_whole or len(detail) <= _NOTE_CHARACTERS else f"{detail[: _NOTE_CHARACTERS - 1]}…",
    )


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


def _sent(record: BadRecord, body_of: BodyOf) -> bytes:
    """The record as it was sent; the message as it stands where that cannot be told. A refused element is itself."""
    body = None if record.reason == REFUSED else body_of(record.message)
    return record.message if body is None else body
