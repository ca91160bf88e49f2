"""One connection: writes a request, hears the answer, and knows whether the connection may be used again."""

from __future__ import annotations

import asyncio
import math
from typing import Protocol, cast

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Unreachable
from exporter.transport.answers.reader import AnswerReader
from exporter.transport.answers.unread import Unread
from exporter.transport.bounds import BODY_SECONDS, KEEPALIVE_SECONDS
from exporter.transport.failures import why_lost
from exporter.transport.port import Done, Stale
from exporter.transport.tls.refusal import is_dead, refusal

#: A 2xx up to this size is remembered, since the next answer is likely the same to the byte.
_REMEMBERED_BYTES = 1024
#: A request up to this size is in the system's hands before an answer can arrive.
_SOON_WRITTEN_BYTES = 8 * 1024
#: A connection that serves again so soon after a 2xx is used without a look for unread bytes, which saves a busy
#: connection a system call each time.
_AT_ONCE_SECONDS = 0.001


class Home(Protocol):
    """The pool that a connection belongs to."""

    def freed(self, wire: Wire) -> None:
        """The exchange of ``wire`` is over, and ``wire`` may serve again."""

    def lost(self, wire: Wire) -> None:
        """``wire`` is closed."""


class Wire:
    """A connection. Times are the event loop's seconds.

    ``deadline`` is when ``expire`` is to be called; ``born`` is when the connection was made. An exchange's outcome
    falls with the status line: whatever happens to the body, the answer stands (contract.md#guarantees, 2).

    An ``asyncio.Protocol`` in all but name: a class that inherits from an uncompiled class is not compiled.
    """

    __slots__ = (
        "_dead_at_once", "_done", "_error", "_home", "_last", "_last_answer", "_loop", "_needs_body", "_reader",
        "_served", "_succeeded", "_transport", "_unread", "_written", "born", "deadline",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Home) -> None:
        self._loop = loop
        self._home = home
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._done: Done | None = None
        self._served = False
        self._needs_body = False
        self._written = 0
        self._dead_at_once = False
        self._error: Exception | None = None
        self._last = b""
        self._last_answer: Answer | None = None
        self._succeeded = False
        self._unread: Unread | None = None
        self.born = loop.time()
        self.deadline = math.inf

    # -- called by the transport and the pool

    def may_serve(self, now: float) -> bool:
        """Whether nothing has come since the last answer, as far as can be known; only before ``deadline``."""
        if self._succeeded and self.deadline - now > KEEPALIVE_SECONDS - _AT_ONCE_SECONDS:
            return True
        transport = self._transport
        if transport is None:
            return False
        unread = self._unread
        if unread is None:
            unread = self._unread = Unread(transport)
        return not unread.waits()

    def exchange(self, request: bytes, deadline: float, done: Done, *, needs_body: bool) -> None:
        """Write a request; ``done`` hears the outcome, and may begin the connection's next exchange."""
        self._reader.begin()
        self.deadline = deadline
        self._needs_body = needs_body
        self._written = len(request)
        self._done = done
        transport = self._transport
        if transport is None:
            self._settle(self._end(self._error))
        elif self._served:
            if transport.is_closing():
                self._settle(self._end(None))
            else:
                transport.write(request)
        else:
            # A write that fails would end the connection before the server's alert is read.
            if not transport.is_closing() and not is_dead(transport):
                transport.write(request)
            self._dead_at_once = is_dead(transport)

    def expire(self) -> None:
        """End an overdue connection; an answer whose head is there, or broken, stands without the rest."""
        word = self._reader.last_word() if self._done is not None else None
        self.abort()
        self._settle(word or NoAnswer("no answer in time"))

    def abort(self) -> None:
        """Close the connection now, even during an exchange."""
        self.deadline = -math.inf
        if self._transport is not None:
            self._transport.abort()

    def give_up(self) -> None:
        """As ``abort``; a running exchange ends without an answer, and its request is not sent again."""
        self.abort()
        self._settle(NoAnswer("connection closed before an answer came"))

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, so no isinstance here.
        self._transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        """Hold nothing back: there is one request at a time, and its body is in memory anyway."""

    def resume_writing(self) -> None:
        """Nothing was held back."""

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            # Bytes without a request must never be taken for the answer to the next request.
            self.abort()
            return
        reader = self._reader
        if data == self._last and not reader.head and self._written <= _SOON_WRITTEN_BYTES:
            # The parser stands between two answers, so the same bytes are the same answer again.
            self._succeeded = True
            self._home.freed(self)
            self._settle(cast("Answer", self._last_answer))
            return
        reader.feed(data)
        if reader.keeps and self._is_written():
            answer = reader.answer()
            self._succeeded = 200 <= answer.status < 300
            if self._succeeded and data is reader.head and len(data) <= _REMEMBERED_BYTES:
                self._last = data
                self._last_answer = answer
            self._served = True
            self._home.freed(self)
            self._settle(answer)
        elif reader.refusal:
            self.abort()
            self._settle(NoAnswer(reader.refusal))
        elif reader.ended:
            self.abort()
            self._settle(reader.answer())
        elif reader.status and not self._needs_body:
            # Counted from the first data with a status: the minimum keeps later data from moving the deadline.
            self.deadline = min(self.deadline, self._loop.time() + BODY_SECONDS)

    def eof_received(self) -> None:
        """Abort: nothing more can come, and unwritten bytes must not keep a half-closed connection open."""
        if self._done is None:
            self.abort()
        elif self._transport is not None:
            # The exchange ends with the connection, and no deadline comes before that.
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._error = error
        outcome = self._end(error)
        self._reader.close()
        self._home.lost(self)
        self._settle(outcome)

    # -- the end of an exchange

    def _is_written(self) -> bool:
        """Whether the whole request is out: an answer may come before."""
        if self._written <= _SOON_WRITTEN_BYTES:
            return True
        return self._transport is not None and not self._transport.get_write_buffer_size()

    def _settle(self, outcome: Outcome | Stale) -> None:
        """End the running exchange, if any. Comes last wherever it is called: the next exchange may begin in it."""
        done, self._done = self._done, None
        if done is not None:
            done(outcome)

    def _end(self, error: Exception | None) -> Outcome | Stale:
        """What a running exchange comes to when the connection has ended."""
        reader = self._reader
        if (answer := reader.last_word()) is not None:
            return answer
        if not reader.head and self._served:
            return Stale(self.deadline)
        if not reader.head and (words := refusal(error, dead_at_once=self._dead_at_once)) is not None:
            return Unreachable(f"TLS: {words}")
        return NoAnswer(why_lost(error))
