"""aiohttp's connections, made to read answers as the lean transport does and to know whether each was used before."""

from __future__ import annotations

import asyncio
import functools
import socket
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
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpVersion11, RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from exporter.messages.exchange import Answer
from exporter.transport.answers.reader import AnswerReader
from exporter.transport.answers.unread import Unread
from exporter.transport.bounds import BODY_LIMIT, CLOSE_SECONDS, CONNECTION_SECONDS
from exporter.transport.resolver import Resolver
from exporter.transport.tls.refusal import is_dead, refusal

_NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


class StaleConnection(ClientConnectionError):
    """A connection that had served before died before a byte of the answer came (contract.md#whose-fault)."""


class HandshakeRefused(ClientConnectionError):
    """The server refused TLS on a new connection before a byte of the answer came; the text says why."""


class UnreadableAnswer(ClientConnectionError):
    """The bytes received are no answer; the text is ``AnswerReader.refusal``."""


class Wire(ResponseHandler):
    """aiohttp's protocol of one connection, with ``AnswerReader`` in the place of aiohttp's parser.

    aiohttp is told an answer's head, then the body, of ``BODY_LIMIT`` bytes at most. Whether the connection may serve
    again is known before the end of the body is told: in that moment aiohttp takes the connection back into the pool.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, wires: WeakSet[Wire], began: Callable[[Wire], None]) -> None:
        super().__init__(loop)
        self._wires = wires
        self._began = began
        self._born = loop.time()
        self._exchanges = 0
        self._reader = AnswerReader()
        self._open = False
        self._body: StreamReader | None = None
        self._told_bytes = 0
        self._to_connect = False
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
        self._error = exc
        self.last_word()
        self._end()
        self._reader.close()
        # aiohttp would take OpenSSL's number of an error for the operating system's.
        super().connection_lost(None if isinstance(exc, ssl.SSLError) else exc)

    def set_response_params(self, **params: Any) -> None:
        """Begin an exchange, as aiohttp asks before each, with fewer parameters for CONNECT."""
        self._exchanges += 1
        self._reader.begin()
        self._open = True
        self._body = None
        self._told_bytes = 0
        self._to_connect = "skip_payload" not in params
        if self._exchanges == 1 and self.socket is not None:
            self._dead_at_once = is_dead(self.socket)
        self._began(self)

    def data_received(self, data: bytes) -> None:
        if not data:
            # aiohttp's way to go on after a pause in reading; there are no pauses here.
            return
        if not self._open:
            # Bytes without a request must never be taken for the answer to the next request.
            self.force_close()
            if self.socket is not None:
                self.socket.abort()
            return
        reader = self._reader
        reader.feed(data)
        if reader.refusal:
            self._open = False
            if self.transport is not None:
                self.transport.close()
            self.set_exception(UnreadableAnswer(reader.refusal))
        elif reader.status:
            self._tell(reader.answer())
            if reader.ended:
                self._end()

    def last_word(self) -> None:
        """Tell aiohttp the answer as far as it stands, when nothing more will come, or nothing in time."""
        if self._open and self._body is None and (answer := self._reader.last_word()) is not None:
            self._tell(answer)
            self._end()

    def is_connected(self) -> bool:
        """Whether an idle connection may serve, as aiohttp asks before its use."""
        if self._open or self.socket is None or self.socket.is_closing():
            return super().is_connected()
        return super().is_connected() and not Unread(self.socket).waits()

    @property
    def should_close(self) -> bool:
        """Whether the connection must close, as aiohttp asks when an exchange is over."""
        return self._open or self._loop.time() - self._born >= CONNECTION_SECONDS or super().should_close

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        if not self._reader.head and isinstance(exc, ServerDisconnectedError | ClientOSError):
            if self._exchanges > 1:
                exc = StaleConnection("the connection was closed while it was idle")
            elif self.socket is not None and isinstance(exc.__cause__, ClientConnectionResetError):
                # Nothing can be written any more; ``connection_lost``, which is on its way, will bring the reason.
                return
            elif (words := refusal(self._error, dead_at_once=self._dead_at_once)) is not None:
                exc = HandshakeRefused(words)
        super().set_exception(exc, *cause)

    def _tell(self, answer: Answer) -> None:
        """Pass the new part of an answer on to aiohttp."""
        if self._body is None:
            # No body that is told reaches the limit at which the stream asks for a pause.
            self._body = self._payload = StreamReader(self, BODY_LIMIT, loop=self._loop)
            headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items())
            # RFC 9110 §9.3.6: every 2xx to CONNECT opens the tunnel; aiohttp knows 200 only.
            status = 200 if self._to_connect and answer.status < 300 else answer.status
            nothing = CIMultiDictProxy(CIMultiDict[str]())
            self.feed_data(
                (RawResponseMessage(HttpVersion11, status, "", nothing, headers, False, None, False, False), self._body)
            )
        if len(answer.body) > self._told_bytes:
            self._body.feed_data(answer.body[self._told_bytes :])
            self._told_bytes = len(answer.body)

    def _end(self) -> None:
        """Tell aiohttp that the answer has ended."""
        self._open = False
        if not self._reader.keeps:
            self.force_close()
        if self._body is not None and not self._body.is_eof():
            self._body.feed_eof()


class Connector(TCPConnector):
    """A pool of ``Wire`` connections; ``close`` returns when every socket is closed."""

    def __init__(self, began: Callable[[Wire], None], **options: Any) -> None:
        """``began`` hears of each exchange's connection, in the exchange's task; ``options``: as ``TCPConnector``."""
        super().__init__(**options)
        self._wires: WeakSet[Wire] = WeakSet()
        make: Callable[..., ResponseHandler] = Wire
        self._factory = functools.partial(make, loop=self._loop, wires=self._wires, began=began)

    async def close(self, *, abort_ssl: bool = False) -> None:
        # aiohttp waits for the pooled connections only: a connection dropped earlier may still be saying goodbye.
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


class Resolving(AbstractResolver):
    """The look-ups of ``Resolver`` in aiohttp's terms."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            OSError: as ``Resolver.addresses``.
        """
        found = await self._resolver.addresses(host, port)
        return [
            ResolveResult(
                hostname=host,
                # With the interface of a link-local address, which a plain address lacks.
                host=socket.getnameinfo(address, _NUMERIC)[0],
                port=port,
                family=of,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, protocol, _, address in found
            if family in (socket.AF_UNSPEC, of)
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""
