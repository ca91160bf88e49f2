"""The connections to an origin: which are idle, which are overdue, and which have served long enough."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from exporter.transport.bounds import CLOSE_SECONDS, CONNECTION_SECONDS, KEEPALIVE_SECONDS
from exporter.transport.lean.wire import Wire


class Pool:
    """Connections, as many as exchanges at a time. Times are the event loop's seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: list[Wire] = []
        self._all: set[Wire] = set()
        self._empty = asyncio.Event()

    def __bool__(self) -> bool:
        """Whether any connection is open."""
        return bool(self._all)

    def add(self, wire: Wire) -> None:
        """Take in a new connection, which is not idle."""
        self._all.add(wire)
        self._empty.clear()

    def take(self, now: float) -> Wire | None:
        """Take out the idle connection that was used last, so that the rest comes of age; None if none may serve."""
        idle = self._idle
        while idle:
            wire = idle.pop()
            if wire.deadline > now and wire.may_serve(now):
                return wire
            wire.abort()
        return None

    def freed(self, wire: Wire) -> None:
        """Take back a connection that may serve again after its exchange."""
        deadline = self._loop.time() + KEEPALIVE_SECONDS
        retirement = wire.born + CONNECTION_SECONDS
        wire.deadline = min(retirement, deadline)
        self._idle.append(wire)

    def lost(self, wire: Wire) -> None:
        """Forget a connection that is closed."""
        self._all.discard(wire)
        if wire in self._idle:
            self._idle.remove(wire)
        if not self._all:
            self._empty.set()

    def expire(self, now: float) -> None:
        """End every connection past its deadline: with an exchange that takes too long, idle for long, or too old."""
        for wire in [wire for wire in self._all if wire.deadline <= now]:
            wire.expire()

    def give_up(self) -> None:
        """Close every connection whose exchange goes on."""
        for wire in self._all.difference(self._idle):
            wire.give_up()

    async def close(self) -> None:
        """Close every connection, even during an exchange, and wait until the event loop has done so."""
        for wire in tuple(self._all):
            wire.give_up()
        if self._all:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._empty.wait()
            # The event loop closes a lost connection's socket only after the callback ``connection_lost``.
            await asyncio.sleep(0)
