"""Read, decide, build: turns a message of the queue into the result for a destination."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from exporter.dataflow.dependencies import Dependencies
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.profile.decision import Excluded, Fired
from exporter.profile.event.change import Change
from exporter.profile.export_headers import idempotency_key, position_value
from exporter.profile.malformed import Malformed


@dataclass(frozen=True, slots=True)
class Bug:
    """An unexpected exception: type and origin without the text, and the ids where known."""

    where: str
    profile_id: str | None = None
    event_id: str | None = None


Examined = Export | Excluded | Malformed | Bug


def examine(message: Message, dependencies: Dependencies) -> Examined:
    """Examine a message. Never raises: a bug is a value too, and costs a single event."""
    try:
        return _examine(message, dependencies)
    except Exception as error:
        return Bug(where(error))


def _examine(message: Message, dependencies: Dependencies) -> Examined:
    project = dependencies.project
    found = None if project is None or message.fault is not None else project(message.body)
    odd_time = False
    if isinstance(found, tuple):
        profile_id, given_id, occurred_at, body, joined = found
    elif found is not None:
        return found
    else:
        change = dependencies.read(message)
        if not isinstance(change, Change):
            return change
        try:
            match dependencies.decide(change):
                case Fired():
                    document = dependencies.build(change)
                case other:
                    return other
        except Exception as error:
            return Bug(where(error), change.profile_id, change.id)
        if isinstance(document, Malformed):
            return document
        profile_id, given_id, body, joined = change.profile_id, change.id, document, change.joined
        occurred_at, odd_time = change.occurred_at, change.odd_time
    if occurred_at is None:
        dependencies.metrics.without_time["unreadable" if odd_time else "absent"].inc()
        occurred_at = message.taken_at
    event_id = given_id or made_event_id(message, dependencies.queue.name)
    return Export(
        message=message,
        profile_id=profile_id,
        event_id=event_id,
        key=idempotency_key(dependencies.destination, event_id),
        position=position_value(message.lane, message.position),
        body=body,
        occurred_at=occurred_at,
        joined=joined,
    )


def made_event_id(message: Message, queue_name: str) -> str:
    """The id of an event whose body has no id (contract.md#the-event)."""
    return message.event_id or f"{queue_name}-{message.lane}-{message.position}"


def where(error: BaseException) -> str:
    """An exception's type and origin. The text is left out, since the text may quote a profile."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = PurePath(trace.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} at {file}:{trace.tb_lineno}"
