"""A profile's change on the way to a destination."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exporter.messages.message import Message
from exporter.messages.trace import Trace

#: Memory of an export beyond the bytes of message and body, measured roughly: objects, list and tracker entries.
OVERHEAD_BYTES = 1024


class Export(msgspec.Struct, eq=False):
    """A document to send, the origin, and the attempts so far.

    ``body`` is the document, ``key`` and ``position`` its two headers. ``joined`` are the profiles whose earlier
    exports of the same lane must have ended before this export starts; the outbox empties it once they have. ``letter``
    is the id of the dead letter to replay; ``foreign`` says that it comes from a queue that is no more, so that its
    position says nothing about other events. ``trace`` is what the next attempt continues: None before the first
    attempt, and where tracing is off. In the outbox only the outbox changes the counts; a sender sets ``first_at`` and
    ``trace``. Times are seconds on the outbox's clock, ``occurred_at`` and ``first_at`` epoch seconds.
    """

    message: Message
    profile_id: str
    event_id: str
    key: str
    position: str
    body: bytes
    occurred_at: float
    joined: Sequence[str] = ()
    letter: int | None = None
    foreign: bool = False
    # The attempts so far.
    attempts: int = 0
    first_at: float | None = None
    retries_used: int = 0
    too_fast: int = 0
    due: float = 0.0
    suspect: bool = False
    released: bool = False
    trace: Trace | None = None

    def __repr__(self) -> str:
        return f"Export({self.position})"
