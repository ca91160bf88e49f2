"""An event as a queue hands it out."""

from __future__ import annotations

import msgspec

from exporter.messages.trace import Trace


class Message(msgspec.Struct, eq=False, gc=False):
    """An event as the queue hands it out.

    ``taken_at`` is when the queue took the event, in epoch seconds; ``event_id`` is an id that the queue carries beside
    the body (a record header), or None; ``fault`` says, in words without data, why an entry holds no event at all;
    ``trace`` is the trace that the queue carries beside the body, or None.
    Groups of a process may share a message, so no message is ever changed.
    """

    lane: str
    position: int
    body: bytes
    taken_at: float
    event_id: str | None = None
    fault: str | None = None
    trace: Trace | None = None

    def __repr__(self) -> str:
        return f"Message({self.lane}-{self.position}, {len(self.body)} bytes)"
