"""One event as a queue hands it out."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, eq=False, gc=False):
    """One event as the queue hands it out.

    ``taken_at`` is when the queue took it, in epoch seconds; ``event_id`` is an id that the queue carries
    beside the body (a record header), where it has one; ``fault`` is what is wrong with what it holds, in words without
    data, where that is no event at all. Groups of one process may share a message: nobody changes it.
    """

    lane: str
    position: int
    body: bytes
    taken_at: float
    event_id: str | None = None
    fault: str | None = None

    def __repr__(self) -> str:
        return f"Message({self.lane}-{self.position}, {len(self.body)} bytes)"
