"""The connections to one origin: which are idle, which are overdue, and when one has served long enough."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from exporter.transport.bounds import CLOSE_SECONDS, CONNECTION_SECONDS, KEEPALIVE_SECONDS
from exporter.transport.lean.wire import Wire


class Pool:
    """As many connections as exchanges at a time. Times are the event loop's seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: list[Wire] = []
        self._all: set[Wire] = set()
        self._empty = asyncio.Event()

    def __bool__(self) -> bool:
        """Is any connection open?"""
        return bool(self._all)

    def add(self, wire: Wire) -> None:
        """Take a new connection in; it is not idle."""
        self._all.add(wire)
        self._empty.clear()

    def take(self, now: float) -> Wire | None:
        """The idle connection that was used last, so that the others come of age; None if none may serve."""
        idle = self._idle
        while idle:
            wire = idle.pop()
            if wire.deadline > now and wire.may_serve(now):
                return wire
            wire.abort()
        return None

    def freed(self, wire: Wire) -> None:
        """An exchange is over, and its connection may serve another."""
        deadline = self._loop.time() + KEEPALIVE_SECONDS
        retirement = wire.born + CONNECTION_SECONDS
        wire.deadline = min(retirement, deadline)
        self._idle.append(wire)

    def lost(self, wire: Wire) -> None:
        """A connection is closed."""
        self._all.discard(wire)
        if wire in self._idle:
            self._idle.remove(wire)
        if not self._all:
            self._empty.set()

    def expire(self, now: float) -> None:
        """End what is past its deadline: exchanges that take too long, connections that are idle for long."""
        for wire in [wire for wire in self._all if wire.deadline <= now]:
            wire.expire()

    async def close(self) -> None:
        """Close every connection, wherever its exchange is, and wait until the event loop has done so."""
        for wire in tuple(self._all):
            wire.give_up()
        if self._all:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._empty.wait()
            # A lost connection's socket is closed behind the callback that told us.
            await asyncio.sleep(0)
