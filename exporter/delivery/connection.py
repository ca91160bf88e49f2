"""Connections that know whether they were used before and whether the peer has said anything."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable
from typing import Any, cast
from weakref import WeakSet

from aiohttp import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from exporter.delivery.framing import Framing
from exporter.delivery.request import HEAD_LIMIT

#: How long closing waits for the sockets that are still open; they are aborted, so it is a matter of loop turns.
CLOSE_SECONDS = 2.0


class StaleConnection(ClientConnectionError):
    """A connection that had served before died before a byte of this answer came (DESIGN §3.1)."""


class HandshakeRefused(ClientConnectionError):
    """TLS failed on a new connection before a byte of the answer came.

    With TLS 1.3 the server judges our certificate after our side of the handshake is over, so its refusal arrives
    when the request is already on its way; the server never reads that (RFC 8446 §4.4.2.4).
    """


class _Wire(ResponseHandler):
    """aiohttp's protocol of one connection, which also counts its exchanges and notes what was heard."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wires: WeakSet[_Wire]) -> None:
        super().__init__(loop)
        self._wires = wires
        self._exchanges = 0
        self._heard = False
        self._head_bytes: int | None = 0
        self._framing = Framing()
        self._refusal: ssl.SSLError | None = None
        self._tls = False
        self.socket: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.socket = cast(asyncio.Transport, transport)
        self._tls = transport.get_extra_info("ssl_object") is not None
        self._wires.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wires.discard(self)
        self.socket = None
        self._framing.close()
        if isinstance(exc, ssl.SSLError):
            self._refusal = exc
        super().connection_lost(exc)

    def set_response_params(self, **params: Any) -> None:
        """aiohttp calls this as each exchange begins."""
        self._exchanges += 1
        self._heard = False
        self._head_bytes = 0
        self._framing.begin()
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data:
            # aiohttp's own way to go on after a pause.
            super().data_received(data)
            return
        self._heard = True
        if self._framing.complete and self.transport is not None:
            # Bytes that nobody asked for: they must never be taken for the answer to the next request.
            self.force_close()
            self.transport.abort()
            return
        self._framing.feed(data)
        # The head goes in by itself: where what is behind it is nonsense, aiohttp would throw both away.
        while self._head_bytes is not None and 0 <= (end := data.find(b"\r\n\r\n")) < len(data) - 4:
            self._pass_on(data[: end + 4])
            data = data[end + 4 :]
        self._pass_on(data)
        if self._framing.surplus:
            self.force_close()

    def _pass_on(self, data: bytes) -> None:
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > HEAD_LIMIT and self.transport is not None:
            # aiohttp limits a line and their number, neither of which keeps their product small.
            self.transport.close()
            self.set_exception(HttpProcessingError(message="head too long"))

    def feed_data(self, data: Any, size: int = 0) -> None:
        """aiohttp calls this with the head of each answer."""
        if data[0].code >= 200:
            self._head_bytes = None
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if not self._heard and isinstance(exc, ServerDisconnectedError | ClientOSError):
            if self._exchanges > 1:
                exc = StaleConnection("the connection was closed while it was idle")
            elif (refusal := self._refusal) is not None:
                # Also where the request came too late to be written: that failure is not what went wrong.
                exc = HandshakeRefused(refusal.reason or "handshake failed")
            elif self._tls and isinstance(next(iter(cause), None), ClientConnectionResetError):
                # The same, noticed a turn earlier: nothing was written, and why is not told yet.
                exc = HandshakeRefused("connection closed")
        super().set_exception(exc, *cause)


class Connector(TCPConnector):
    """A pool of such connections, whose ``close`` returns when every socket is closed."""

    def __init__(self, **options: Any) -> None:
        """``options`` as for ``TCPConnector``."""
        super().__init__(**options)
        self._wires: WeakSet[_Wire] = WeakSet()
        make: Callable[..., ResponseHandler] = _Wire
        self._factory = functools.partial(make, loop=self._loop, wires=self._wires)

    async def close(self, *, abort_ssl: bool = False) -> None:
        # aiohttp waits for its pool only: a connection that it dropped earlier may still be saying goodbye.
        await super().close(abort_ssl=abort_ssl)
        closed = []
        for wire in tuple(self._wires):
            # A tunnel's first protocol is left behind when TLS takes its socket over.
            if wire.socket is not None and wire.socket.get_protocol() is wire:
                wire.socket.abort()
                if (future := wire.closed) is not None:
                    closed.append(future)
        if closed:
            done, _ = await asyncio.wait(closed, timeout=CLOSE_SECONDS)
            for future in done:
                future.exception()
