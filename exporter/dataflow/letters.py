"""Makes dead letters: where the event came from, and how the event failed."""

from __future__ import annotations

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.examine import made_event_id
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.outbox.verdict import DeadLetterReason, Judged, Rejected, TooFast
from exporter.state.letter import NewLetter


def letter_of_event(
    message: Message,
    dependencies: Dependencies,
    reason: DeadLetterReason,
    detail: str,
    profile_id: str | None,
    event_id: str | None,
) -> NewLetter:
    """The letter of an event of which no export could be made; ``detail`` says where and why."""
    now = dependencies.clock.epoch()
    return NewLetter(
        group=dependencies.group,
        lane=dependencies.place(message.lane),
        position=message.position,
        destination=dependencies.destination,
        profile_id=profile_id,
        event_id=event_id or made_event_id(message, dependencies.queue.name),
        body=message.body,
        reason=reason,
        detail=detail,
        status=None,
        attempts=0,
        first_at=now,
        at=now,
    )


def letter_of_export(
    export: Export, dependencies: Dependencies, reason: DeadLetterReason, verdict: Judged
) -> NewLetter:
    """The letter of an export that failed for good with ``verdict``."""
    now = dependencies.clock.epoch()
    return NewLetter(
        group=dependencies.group,
        lane=dependencies.place(export.message.lane),
        position=export.message.position,
        destination=dependencies.destination,
        profile_id=export.profile_id,
        event_id=export.event_id,
        body=export.message.body,
        reason=reason,
        detail=failure(verdict),
        status=getattr(verdict, "status", None),
        attempts=export.attempts,
        answer=getattr(verdict, "answer", b""),
        first_at=now if export.first_at is None else export.first_at,
        at=now,
    )


def failure(verdict: Judged) -> str:
    """A failure in words for people, without the answer's body."""
    match verdict:
        case Rejected(status):
            return f"HTTP {status}"
        case TooFast():
            return "HTTP 429"
        case _:
            return getattr(verdict, "detail", type(verdict).__name__)
