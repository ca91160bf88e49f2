"""One connection: writes a request, hears its answer, and knows whether it may be used again."""

from __future__ import annotations

import asyncio
import math
import os
import ssl
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Unreachable
from exporter.transport.answer_parser import NoStatus, response_parser
from exporter.transport.bounds import BODY_LIMIT, BODY_SECONDS, HEAD_LIMIT
from exporter.transport.lean.headers import Headers, head_ends_within
from exporter.transport.tls_refusal import is_dead, refusal

#: An answer up to this size is remembered, since the next is likely the same to the byte.
_REMEMBERED_BYTES = 1024
#: A request up to this size is in the system's hands before an answer can be here.
_SOON_WRITTEN_BYTES = 8 * 1024


class Home(Protocol):
    """Where a connection belongs."""

    def freed(self, wire: Wire) -> None:
        """Its exchange is over, and it may serve another."""

    def lost(self, wire: Wire) -> None:
        """It is closed."""


class Wire:
    """A connection. Times are the event loop's seconds.

    ``deadline`` is when ``expire`` is to be called; ``born`` is when it was made. The outcome of an exchange falls
    with the status line: whatever happens to the body, the answer stands (contract.md#guarantees, 2).

    It is an ``asyncio.Protocol`` in all but name: a class that inherits from one that is not compiled is not compiled.
    """

    __deletable__ = ("_parser",)  # mypyc asks for it

    __slots__ = (
        "_body", "_complete", "_dead_at_once", "_dirty", "_error", "_future", "_head", "_home", "_keep", "_last",
        "_last_answer", "_loop", "_parser", "_served", "_status", "_transport", "_written", "born", "deadline",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Home) -> None:
        self._loop = loop
        self._home = home
        self._parser = response_parser(self)
        self._transport: asyncio.Transport | None = None
        self._future: asyncio.Future[Outcome | None] | None = None
        self._served = False
        self._written = 0
        self._head = b""
        self._status = 0
        self._body = b""
        self._complete = self._keep = self._dirty = False
        self._dead_at_once = False
        self._error: Exception | None = None
        self._last = b""
        self._last_answer: Answer | None = None
        self.born = loop.time()
        self.deadline = math.inf

    # -- what the pool does with it

    def exchange(self, request: bytes, deadline: float) -> asyncio.Future[Outcome | None]:
        """Write a request; the result is its outcome, None where this kept-alive connection had gone stale."""
        self._head = self._body = b""
        self._status = 0
        self._complete = self._keep = False
        self.deadline = deadline
        self._written = len(request)
        self._future = future = self._loop.create_future()
        transport = self._transport
        if transport is None or transport.is_closing():
            self._end(None)
        else:
            transport.write(request)
        return future

    def first_exchange(self, request: bytes, deadline: float) -> asyncio.Future[Outcome | None]:
        """As ``exchange``, over a connection that is new."""
        self.deadline = deadline
        self._written = len(request)
        self._future = future = self._loop.create_future()
        transport = self._transport
        if transport is None:
            self._end(self._error)
        else:
            # A write that fails would end the connection before what the server said of it is read.
            if not transport.is_closing() and not is_dead(transport):
                transport.write(request)
            self._dead_at_once = is_dead(transport)
        return future

    def expire(self) -> None:
        """Its deadline has passed: the answer, if its status line came, stands without the rest of its body."""
        if self._future is not None:
            self._settle(self._answer() if self._status else NoAnswer("no answer in time"))
        self.abort()

    def abort(self) -> None:
        """Close it now, whatever it does."""
        self.deadline = -math.inf
        if self._transport is not None:
            self._transport.abort()

    def give_up(self) -> None:
        """As ``abort``; an exchange that it is in ends without an answer, and is not to be sent again."""
        self._settle(NoAnswer("connection closed before an answer came"))
        self.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, so no isinstance here.
        self._transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        """One request at a time, and a body is in memory anyway: nothing is held back."""

    def resume_writing(self) -> None:
        """See ``pause_writing``."""

    def data_received(self, data: bytes) -> None:
        if self._future is None:
            # Bytes that nobody asked for: they must never be taken for the answer to the next request.
            self.abort()
            return
        if data == self._last and not self._head and self._written <= _SOON_WRITTEN_BYTES:
            # The parser stands between two answers, so the same bytes are the same answer again.
            self._settle(self._last_answer)
            self._home.freed(self)
            return
        if not self._status:
            self._head = self._head + data if self._head else data
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._settle(NoAnswer("the answer is an interim one (101)"))
            self.abort()
            return
        except HttpParserError:
            self._dirty = True
        if self._complete and self._keep and not self._dirty and self._is_written():
            answer = self._answer()
            if data is self._head and len(data) <= _REMEMBERED_BYTES:
                self._last = data
                self._last_answer = answer
            elif len(self._head) > HEAD_LIMIT and self._is_overlong():
                self._refuse()
                return
            self._settle(answer)
            self._served = True
            self._home.freed(self)
        else:
            self._go_on()

    def eof_received(self) -> None:
        """Nothing more can come; what is still to be written does not keep a half-closed connection open."""
        self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._error = error
        # It holds our methods, and we hold it.
        del self._parser
        self._end(error)
        self._home.lost(self)

    # -- httptools' callbacks

    def on_message_begin(self) -> None:
        if self._complete:
            # A second answer to one request: nobody knows what comes next.
            self._dirty = True

    def on_headers_complete(self) -> None:
        if not self._complete:
            status = self._parser.get_status_code()
            if status >= 200:
                self._status = status
            elif status < 100:
                raise NoStatus

    def on_body(self, body: bytes) -> None:
        if not self._complete and len(self._body) <= BODY_LIMIT:
            self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        if self._status:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    # -- the end of an exchange

    def _go_on(self) -> None:
        """Wait for more of an answer, or be content with what came and close."""
        if len(self._head) > HEAD_LIMIT and self._is_overlong():
            self._refuse()
        elif self._status:
            if self._complete or self._dirty or len(self._body) > BODY_LIMIT:
                self._settle(self._answer())
                self.abort()
            else:
                # Counted from the first time that more was to come: the minimum keeps later ones from moving it.
                self.deadline = min(self.deadline, self._loop.time() + BODY_SECONDS)
        elif self._dirty:
            self._refuse()

    def _refuse(self) -> None:
        """What comes is no answer."""
        self._settle(NoAnswer("the answer is not HTTP"))
        self.abort()

    def _is_overlong(self) -> bool:
        """Is it the head that is longer than the limit, and not what came with it?"""
        return not self._status or not head_ends_within(self._head, HEAD_LIMIT)

    def _answer(self) -> Answer:
        return Answer(self._status, Headers(self._head), self._body[:BODY_LIMIT])

    def _is_written(self) -> bool:
        """Is the whole request out? An answer may come before."""
        if self._written <= _SOON_WRITTEN_BYTES:
            return True
        return self._transport is not None and not self._transport.get_write_buffer_size()

    def _settle(self, outcome: Outcome | None) -> None:
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(outcome)

    def _end(self, error: Exception | None) -> None:
        """The connection is no more: what that means for the exchange that it is in, if any."""
        if self._status:
            self._settle(self._answer())
        elif not self._head and self._served:
            self._settle(None)
        elif not self._head and (words := refusal(error, dead_at_once=self._dead_at_once)) is not None:
            self._settle(Unreachable(f"TLS: {words}"))
        else:
            self._settle(NoAnswer(_lost(error)))


def _lost(error: Exception | None) -> str:
    match error:
        case None | ssl.SSLError():
            return "connection closed before an answer came"
        case ConnectionResetError():
            return "connection reset by peer"
        case OSError(errno=int(number)):
            return os.strerror(number).lower()
        case _:
            return "connection lost before an answer came"
