"""Bad records as letters of the state."""

from __future__ import annotations

import orjson

from exporter.messages.message import Message
from exporter.source.collection.taken import TakenRecord
from exporter.source.processing.examining import Bad
from exporter.state.bad_record import NewBadRecord


def name_of(message: Message, taken: TakenRecord | None) -> str:
    """The record's xactionId; of a message that is none of ours, its place in the intake."""
    return f"{message.lane}-{message.position}" if taken is None else taken.xaction_id


def letter_of(message: Message, taken: TakenRecord | None, bad: Bad, source: str, now: int) -> NewBadRecord:
    """The letter of a bad record. ``source`` is the name of its connection, ``now`` epoch milliseconds."""
    return NewBadRecord(
        name=name_of(message, taken),
        inlet="" if taken is None else taken.inlet,
        source=source,
        flow="" if taken is None else taken.flow,
        dataset="" if taken is None else taken.dataset,
        reason=bad.reason,
        detail=bad.detail,
        taken=int(message.taken_at * 1000) if taken is None else taken.taken,
        kept=now,
        message=message.body,
        violations=orjson.dumps([violation.as_report() for violation in bad.violations]),
    )
