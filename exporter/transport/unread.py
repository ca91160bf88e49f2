"""Whether bytes, or a connection's end, wait unread in its socket: no answer to what goes out next."""

from __future__ import annotations

import asyncio
import select


class Unread:
    """Asks the system about one open connection, which takes half a microsecond. Not to be asked once it is closed."""

    __slots__ = ("_poll",)

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        # Not everywhere: where it lacks, only the event loop knows.
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def waits(self) -> bool:
        """Is there anything?"""
        return self._poll is not None and bool(self._poll.poll(0))
