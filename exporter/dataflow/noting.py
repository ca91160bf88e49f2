"""Puts an attempt that ended into the words of those who watch, and of the log."""

from __future__ import annotations

from typing import Final

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.letters import failure
from exporter.messages.export import Export
from exporter.outbox.next_steps import DeadLetter, Hold, Next, Settle
from exporter.outbox.verdict import DeadLetterReason, Delivered, Judged, PauseReason, TooFast, Unavailable
from exporter.sections.printable import printable
from exporter.telemetry.attempts import Attempt, Outcome

#: The most characters of an id, and of an answer, that are kept.
_ID_LENGTH: Final = 200
_ANSWER_LENGTH: Final = 500
#: Enough of an answer for that many characters.
_ANSWER_BYTES: Final = 4 * _ANSWER_LENGTH


def note(
    export: Export, verdict: Judged, following: Next, round_trip_seconds: float, dependencies: Dependencies
) -> None:
    """Note an attempt at ``export``, and have the log tell it where that is wanted: without ids of profiles."""
    attempt = _attempt(export, verdict, following, round_trip_seconds, dependencies)
    dependencies.attempts.note(attempt, export.body)
    if dependencies.attempts.told:
        dependencies.log.debug(
            "attempt",
            event_id=attempt.event_id,
            position=export.message.position,
            attempt=attempt.number,
            status=attempt.status,
            milliseconds=attempt.milliseconds,
            outcome=attempt.outcome,
            reason=attempt.reason,
            retry_seconds=attempt.retry_seconds,
            detail=attempt.failure,
        )


def _attempt(
    export: Export, verdict: Judged, following: Next, round_trip_seconds: float, dependencies: Dependencies
) -> Attempt:
    outcome, reason, retry_seconds = _outcome(export, following, dependencies)
    answer: bytes = getattr(verdict, "answer", b"")
    # An attempt for which nothing went out is not counted.
    uncounted = isinstance(verdict, Unavailable) and not verdict.attempted
    return Attempt(
        at=dependencies.clock.epoch(),
        destination=dependencies.destination,
        event_id=_cut(export.event_id),
        profile_id=_cut(export.profile_id),
        number=export.attempts + uncounted,
        outcome=outcome,
        status=429 if isinstance(verdict, TooFast) else getattr(verdict, "status", None),
        milliseconds=None if round_trip_seconds == 0.0 else round(round_trip_seconds * 1000, 1),
        failure=None if isinstance(verdict, Delivered) else printable(failure(verdict)),
        reason=reason,
        retry_seconds=retry_seconds,
        replay=export.letter is not None,
        answer=printable(answer[:_ANSWER_BYTES])[:_ANSWER_LENGTH] if answer else None,
    )


def _outcome(
    export: Export, following: Next, dependencies: Dependencies
) -> tuple[Outcome, DeadLetterReason | PauseReason | None, float | None]:
    """What followed, for which reason, and the seconds until a retry."""
    match following:
        case Settle():
            return "delivered", None, None
        case DeadLetter(reason):
            return "dead_letter", reason, None
        case Hold():
            outbox = dependencies.outbox
            if export.released:
                return "let_go", None, None
            if outbox.pause is not None:
                return "paused", outbox.pause.reason, None
            if outbox.stops:
                return "paused", min(outbox.stops), None
            return "retry", None, round(max(0.0, export.due - dependencies.clock.monotonic()), 3)


def _cut(name: str) -> str:
    return printable(name[:_ID_LENGTH])
