"""uvloop's event loop, which asks no thread about a plain address.

uvloop itself looks an address up before it connects to it, on the two threads that all look-ups share. Where a broker's
name server is silent, those of its client hold both, and no endpoint could be connected to.
"""

from __future__ import annotations

import socket
from typing import Any

import uvloop


class Loop(uvloop.Loop):
    """As uvloop's."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """See ``asyncio.AbstractEventLoop.getaddrinfo``."""
        numeric = options | {"flags": options.get("flags", 0) | socket.AI_NUMERICHOST}
        try:
            return socket.getaddrinfo(host, port, **numeric)
        except (OSError, UnicodeError):
            return await super().getaddrinfo(host, port, **options)
