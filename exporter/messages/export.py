"""One profile's change on its way to one destination."""

from __future__ import annotations

import msgspec

from exporter.messages.message import Message

#: What an export costs in memory beyond its bytes, measured roughly: objects, deque and tracker entries.
OVERHEAD_BYTES = 1024


class Export(msgspec.Struct, eq=False):
    """What is sent, where it came from, and how it fared. The outbox alone changes what it counts here.

    ``body`` is the document to send, ``key`` and ``position`` its two headers. ``letter`` is the dead letter
    that this export replays, by its id; ``foreign`` says that it comes from a queue that is no more, so that its
    position says nothing about others.
    Times are seconds on the outbox's clock, ``occurred_at`` and ``first_at`` epoch seconds.
    """

    message: Message
    profile_id: str
    event_id: str
    key: str
    position: str
    body: bytes
    occurred_at: float
    letter: int | None = None
    foreign: bool = False
    # How it fared.
    attempts: int = 0
    first_at: float | None = None
    retries_used: int = 0
    too_fast: int = 0
    due: float = 0.0
    suspect: bool = False
    released: bool = False

    # Bytes that it holds in memory.
    size: int = 0

    def __post_init__(self) -> None:
        self.size = len(self.message.body) + len(self.body) + OVERHEAD_BYTES

    def __repr__(self) -> str:
        return f"Export({self.position})"
