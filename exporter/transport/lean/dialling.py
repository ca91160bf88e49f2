"""Makes connections: names are resolved and remembered for a while, addresses tried by RFC 8305, TLS is verified."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from aiohappyeyeballs import AddrInfoType, start_connection

from exporter.messages.exchange import Unreachable
from exporter.tasks.late_deadlines import timeout_after_reading
from exporter.transport.bounds import CLOSE_SECONDS, DNS_CACHE_SECONDS
from exporter.transport.failures import why_unconnected
from exporter.transport.lean.head import Origin
from exporter.transport.lean.wire import Wire
from exporter.transport.resolver import Resolver

#: How long a failed look-up is remembered, so that a burst of attempts does not ask for an unknown name one by one.
DNS_FAILURE_SECONDS = 0.5
#: RFC 8305 §8: the recommended delay before another address is tried beside the first.
NEXT_ADDRESS_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class _Resolved:
    """The addresses of a name, or why there are none; good ``until`` then (the event loop's seconds)."""

    until: float
    addresses: list[AddrInfoType] | socket.gaierror


class Dialler:
    """Makes connections to one origin."""

    def __init__(
        self,
        origin: Origin,
        context: ssl.SSLContext,
        resolver: Resolver,
        loop: asyncio.AbstractEventLoop,
        make: Callable[[], Wire],
    ) -> None:
        self._origin = origin
        self._context = context if origin.tls else None
        self._resolver = resolver
        self._loop = loop
        self._make = make
        self._resolving = asyncio.Lock()
        self._resolved: _Resolved | None = None
        self._dialling: set[asyncio.Timeout] = set()
        self._failed: list[socket.socket] = []
        self._closed = False

    async def dial(self, deadline: float) -> Wire | Unreachable:
        """A new connection before ``deadline`` (the event loop's seconds), or why there is none."""
        try:
            async with timeout_after_reading(deadline) as limit:
                self._dialling.add(limit)
                try:
                    wire = await self._connect()
                finally:
                    self._dialling.discard(limit)
        except OSError as error:
            self._forget()
            return Unreachable("cannot connect" if self._closed else why_unconnected(error))
        if self._closed:
            wire.abort()
            return Unreachable("cannot connect")
        return wire

    async def close(self) -> None:
        """Cut short the dialling, and wait until the event loop has closed the sockets of failed handshakes."""
        self._closed = True
        for limit in tuple(self._dialling):
            limit.reschedule(self._loop.time())
        end = self._loop.time() + CLOSE_SECONDS
        # A few loop turns, whose end no callback tells.
        while self._unfinished() and self._loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(0)

    def _unfinished(self) -> bool:
        self._failed = [failed for failed in self._failed if failed.fileno() >= 0]
        return bool(self._dialling or self._failed)

    async def _connect(self) -> Wire:
        addresses = await self._addresses()
        # Each address in turn is the first to be tried, as if every connection came with a look-up.
        addresses.append(addresses.pop(0))
        connected = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1)
        # RFC 6066 §3: without a dot at the end.
        host = self._origin.host.rstrip(".") if self._context is not None else None
        # From here on the event loop owns the socket, and closes it if the handshake fails or is cancelled.
        try:
            # A wire has all methods of a protocol.
            _, wire = await self._loop.create_connection(  # type: ignore[type-var]
                self._make, sock=connected, ssl=self._context, server_hostname=host
            )
        except BaseException:
            self._failed = [failed for failed in (*self._failed, connected) if failed.fileno() >= 0]
            raise
        return wire

    async def _addresses(self) -> list[AddrInfoType]:
        async with self._resolving:
            resolved = self._resolved
            if resolved is None or resolved.until <= self._loop.time():
                resolved = self._resolved = await self._resolve()
        if isinstance(resolved.addresses, socket.gaierror):
            raise resolved.addresses
        return resolved.addresses

    async def _resolve(self) -> _Resolved:
        try:
            found = await self._resolver.addresses(self._origin.host, self._origin.port)
        except socket.gaierror as error:
            return _Resolved(self._loop.time() + DNS_FAILURE_SECONDS, error)
        return _Resolved(self._loop.time() + DNS_CACHE_SECONDS, found)

    def _forget(self) -> None:
        """Forget addresses that could not be reached: the name may have moved by now."""
        if self._resolved is not None and not isinstance(self._resolved.addresses, socket.gaierror):
            self._resolved = None
