"""Whether bytes, or a connection's end, wait unread in its socket: no answer to the next request."""

from __future__ import annotations

import asyncio
import select


class Unread:
    """Asks the system about an open connection, which takes half a microsecond. Not for a connection that is closed."""

    __slots__ = ("_poll",)

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        # Not every system has ``poll``: without it, only the event loop knows.
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def waits(self) -> bool:
        """Whether bytes, or the end, wait."""
        return self._poll is not None and bool(self._poll.poll(0))
