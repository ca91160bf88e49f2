"""One connection: bytes from the client to ``Incoming``, answers from ``Outgoing`` to the client, and the end."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Protocol, cast

from exporter.source.collection.server.exchange import Exchange
from exporter.source.collection.server.home import Home
from exporter.source.collection.server.incoming import Incoming
from exporter.source.collection.server.outgoing import Ending, Outgoing
from exporter.source.collection.server.phases import Phase


class Register(Home, Protocol):
    """The listener, which knows its connections. ``received`` is what the event loop reads into."""

    received: memoryview

    def opened(self, connection: Connection) -> None:
        """The connection is there."""
        ...

    def lost(self, connection: Connection) -> None:
        """The connection is closed."""
        ...


class Connection(asyncio.BufferedProtocol):
    """The ``Outlet`` of exchanges. Bytes are read into memory that all connections share: none holds more unasked.

    Times are the event loop's seconds; the listener calls ``look`` now and then.
    """

    __slots__ = ("_home", "_incoming", "_outgoing", "_reading", "_transport", "_write_until")

    def __init__(self, home: Register) -> None:
        self._home = home
        self._transport: asyncio.Transport | None = None
        self._outgoing = Outgoing()
        self._incoming = Incoming(home, self, self._outgoing.waiting)
        self._write_until = math.inf
        self._reading = True

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, so no isinstance here.
        self._transport = cast("asyncio.Transport", transport)
        self._home.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - it is large enough for any
        return self._home.received

    def buffer_updated(self, count: int) -> None:
        self._incoming.add(bytes(self._home.received[:count]))
        self._set_reading()

    def eof_received(self) -> bool:
        """Whether the connection stays open for the answers to what came whole."""
        self._incoming.end()
        return bool(self._outgoing.waiting) and self._incoming.phase < Phase.LINGER

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - nobody asks why
        self._incoming.stop(Phase.CLOSED, math.inf)
        self._outgoing.waiting.clear()
        self._write_until = math.inf
        self._transport = None
        self._home.lost(self)

    def pause_writing(self) -> None:
        self._write_until = self._home.loop.time() + self._home.bounds.write_seconds
        self._set_reading()

    def resume_writing(self) -> None:
        self._write_until = math.inf
        self._incoming.advance()
        self._set_reading()

    # -- called by exchanges and the listener

    def proceed(self, exchange: Exchange) -> None:
        self._incoming.proceed(exchange)
        self._set_reading()

    def flush(self) -> None:
        transport, incoming = self._transport, self._incoming
        if transport is None or incoming.phase >= Phase.LINGER:
            return
        ending = self._outgoing.flush(transport.write, self._home, last=incoming.at_the_end())
        if ending is not None:
            self.close(ending)
            return
        if not (self._reading and incoming.rests()):
            incoming.advance()
            self._set_reading()

    def close(self, ending: Ending) -> None:
        transport, incoming, bounds = self._transport, self._incoming, self._home.bounds
        if transport is None or incoming.phase >= Phase.LINGER:
            return
        now = self._home.loop.time()
        if ending is Ending.LINGER and not incoming.ended:
            # Closed with unread bytes, a socket is reset, and the answer may be lost on its way.
            incoming.stop(Phase.LINGER, now + bounds.linger_seconds)
            if transport.can_write_eof():
                # asyncio's own transport raises where the client has gone.
                with suppress(OSError):
                    transport.write_eof()
            self._set_reading()
        else:
            incoming.stop(Phase.CLOSED, now + bounds.write_seconds)
            transport.close()
        self._outgoing.waiting.clear()

    def look(self, now: float) -> None:
        """End what is overdue."""
        if now >= self._write_until:
            self.abort()
            return
        for exchange in tuple(self._outgoing.waiting):
            if exchange.until <= now:
                exchange.expire()
        incoming = self._incoming
        if incoming.phase >= Phase.LINGER:
            if now >= incoming.until:
                self.abort()
        else:
            incoming.look(now)

    def drain(self) -> None:
        """Close, once what was read is answered."""
        self._incoming.advance()
        self._set_reading()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    def _set_reading(self) -> None:
        """Read the socket only while there is somewhere to go with what comes."""
        phase = self._incoming.phase
        if phase is Phase.LINGER:
            wanted = True
        elif self._write_until < math.inf:
            wanted = False
        elif phase is Phase.HEAD:
            wanted = len(self._outgoing.waiting) < self._home.bounds.pipelined
        else:
            wanted = phase is Phase.BODY or phase is Phase.DROP
        transport = self._transport
        if wanted is not self._reading and transport is not None and not transport.is_closing():
            self._reading = wanted
            if wanted:
                transport.resume_reading()
            else:
                transport.pause_reading()
