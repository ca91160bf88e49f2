"""Connections that know whether they were used before and whether the peer has said anything."""

from __future__ import annotations

import asyncio
import functools
import re
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

from exporter.transport.bounds import BODY_LIMIT, CLOSE_SECONDS, CONNECTION_SECONDS, HEAD_LIMIT
from exporter.transport.over_aiohttp.framing import Framing
from exporter.transport.tls_refusal import is_dead, refusal

# llhttp takes a line feed alone for the end of a line too.
_HEAD_END = re.compile(rb"\n\r?\n")
# Chunks of a byte each make it no longer than this. aiohttp itself keeps trailers without a limit.
_BODY_BYTES = 16 * BODY_LIMIT


class StaleConnection(ClientConnectionError):
    """A connection that had served before died before a byte of this answer came (contract.md#whose-fault)."""


class HandshakeRefused(ClientConnectionError):
    """The server refused TLS on a new connection, and why; before a byte of the answer came."""


class _Wire(ResponseHandler):
    """aiohttp's protocol of one connection, which also counts its exchanges and notes what was heard."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wires: WeakSet[_Wire]) -> None:
        super().__init__(loop)
        self._wires = wires
        self._born = loop.time()
        self._exchanges = 0
        self._heard = False
        self._head_bytes: int | None = 0
        self._before = b""
        self._body_bytes = 0
        self._framing = Framing()
        self._error: BaseException | None = None
        self._dead_at_once = False
        self.socket: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.socket = cast(asyncio.Transport, transport)
        self._wires.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wires.discard(self)
        self.socket = None
        self._framing.close()
        self._error = exc
        body, self._payload = self._payload, None
        # aiohttp would take OpenSSL's number of an error for the operating system's.
        super().connection_lost(None if isinstance(exc, ssl.SSLError) else exc)
        if body is not None and not body.is_eof():
            # aiohttp forgets a body that it cannot read on, and who waits for its end; of others it drops what it has.
            body.feed_eof()

    def set_response_params(self, **params: Any) -> None:
        """aiohttp calls this as each exchange begins."""
        self._exchanges += 1
        self._heard = False
        self._head_bytes = 0
        self._before = b""
        self._body_bytes = 0
        self._framing.begin()
        if self._exchanges == 1 and self.socket is not None:
            self._dead_at_once = is_dead(self.socket)
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
        if self._framing.unreadable:
            self._refuse("not HTTP")
            return
        # The head goes in by itself: where what is behind it is nonsense, aiohttp would throw both away.
        while self._head_bytes is not None and (head := self._head_in(data)):
            self._pass_on(head)
            data = data[len(head) :]
        if self._head_bytes is None:
            self._body_bytes += len(data)
        if self._body_bytes > _BODY_BYTES and self.transport is not None:
            self.transport.abort()
            return
        if data:
            self._pass_on(data)
        if self._framing.surplus:
            self.force_close()

    def _head_in(self, data: bytes) -> bytes:
        """The rest of a head, if it ends here; a piece of one before may hold the begin of its end."""
        before = len(self._before)
        found = _HEAD_END.search(self._before + data)
        self._before = b"" if found else (self._before + data)[-2:]
        return data[: found.end() - before] if found else b""

    def _pass_on(self, data: bytes) -> None:
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT:
                # aiohttp limits a line and their number, neither of which keeps their product small.
                self._refuse("head too long")
                return
            # RFC 9110 §5.5 lets NUL be taken for a space; aiohttp would throw the answer away.
            data = data.replace(b"\0", b" ")
        super().data_received(data)

    def _refuse(self, why: str) -> None:
        """What comes is no answer."""
        if self.transport is not None:
            self.transport.close()
        self.set_exception(HttpProcessingError(message=why))

    @property
    def should_close(self) -> bool:
        """aiohttp asks this when an exchange is over; it takes some answers for shorter than they are."""
        is_old = self._loop.time() - self._born >= CONNECTION_SECONDS
        return is_old or not self._framing.complete or super().should_close

    def feed_data(self, data: Any, size: int = 0) -> None:
        """aiohttp calls this with the head of each answer."""
        if data[0].code >= 200:
            self._head_bytes = None
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if not self._heard and isinstance(exc, ServerDisconnectedError | ClientOSError):
            if self._exchanges > 1:
                exc = StaleConnection("the connection was closed while it was idle")
            elif self.socket is not None and isinstance(exc.__cause__, ClientConnectionResetError):
                # Nothing can be written any more. Why, the connection's end will say, which is on its way.
                return
            elif (words := refusal(self._error, dead_at_once=self._dead_at_once)) is not None:
                exc = HandshakeRefused(words)
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
