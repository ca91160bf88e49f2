"""The event loop of the daemon: uvloop where the platform has it, a third faster on sockets; asyncio's otherwise."""

from __future__ import annotations

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop that is not running."""
    try:
        from exporter.daemon.process.uv_loop import Loop
    except ImportError:
        return asyncio.new_event_loop()
    return Loop()
