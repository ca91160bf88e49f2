"""uvloop's event loop, which resolves plain addresses without a thread.

uvloop itself looks an address up before connecting, on the two threads that all look-ups share. Where a broker's name
server is silent, the look-ups of the broker's client hold both threads, and no endpoint could be connected to.
"""

from __future__ import annotations

import socket
from typing import Any

import uvloop


class Loop(uvloop.Loop):
    """uvloop's loop, with plain addresses answered at once."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """See ``asyncio.AbstractEventLoop.getaddrinfo``."""
        numeric = options | {"flags": options.get("flags", 0) | socket.AI_NUMERICHOST}
        try:
            return socket.getaddrinfo(host, port, **numeric)
        except (OSError, UnicodeError):
            return await super().getaddrinfo(host, port, **options)
