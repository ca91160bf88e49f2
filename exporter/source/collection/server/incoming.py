"""The requests of a connection, from their bytes to the checks: what is read next, and until when."""

from __future__ import annotations

import math
from collections import deque

from exporter.source.collection.checks.admission import Admitted, too_large
from exporter.source.collection.checks.answers import Answer, problem
from exporter.source.collection.server.bodies import Arriving, Body, ChunkedBody, Fault, SizedBody
from exporter.source.collection.server.exchange import Exchange
from exporter.source.collection.server.head import NO_HEAD, BadHead, ParsedHead
from exporter.source.collection.server.home import Home, Outlet
from exporter.source.collection.server.outgoing import Ending
from exporter.source.collection.server.phases import Phase
from exporter.source.collection.server.reader import Reader
from exporter.source.collection.server.recognition import Recognition


class Incoming:
    """See ``Phase``. Times are the event loop's seconds. An exchange is put into ``waiting`` when its head has come."""

    __slots__ = (
        "_advancing", "_body", "_home", "_in_head", "_outlet", "_reader", "_recognition", "_waiting",
        "ended", "phase", "until",
    )  # fmt: skip

    def __init__(self, home: Home, outlet: Outlet, waiting: deque[Exchange]) -> None:
        self._home = home
        self._outlet = outlet
        self._waiting = waiting
        self._reader = Reader(home.bounds)
        self._recognition = Recognition()
        self._in_head = False
        self._advancing = False
        self._body: Arriving | None = None
        self.phase = Phase.HEAD
        self.until = home.loop.time() + home.bounds.idle_seconds
        self.ended = False

    # -- called by the connection

    def add(self, data: bytes) -> None:
        """Take in what has come."""
        if self.phase < Phase.DONE:
            self._reader.add(data)
            self.advance()

    def end(self) -> None:
        """The client sends nothing more: what has not come whole never will."""
        self.ended = True
        if self.phase is Phase.BODY or self.phase is Phase.DROP:
            if self.phase is Phase.BODY:
                self._waiting.pop().give_back()
            self._reader.clear()
            self._body = None
            self.phase = Phase.HEAD

    def stop(self, phase: Phase, until: float) -> None:
        """Read no further request; the request that was being read is given up."""
        if self.phase is Phase.HELD:
            self._waiting[-1].leave_line()
        elif self.phase is Phase.BODY:
            self._waiting[-1].give_back()
        self._body = None
        self._reader.clear()
        self.phase = phase
        self.until = until

    def at_the_end(self) -> bool:
        """Whether the connection ends when all that was read is answered."""
        going = self._home.draining or self.ended
        return going and self.phase is Phase.HEAD and not self._reader.holds_head()

    def proceed(self, exchange: Exchange) -> None:
        """See ``Owner``."""
        if self.phase is Phase.HELD and self._waiting[-1] is exchange:
            self._read_body(exchange)
            self.advance()
        else:
            exchange.give_back()

    def judged(self, exchange: Exchange, found: bool | Answer) -> None:
        """The token of ``exchange`` has been judged."""
        if self.phase is Phase.HELD and self._waiting[-1] is exchange:
            self.phase = Phase.HEAD
            self._enter(exchange, found)
            self.advance()

    def look(self, now: float) -> None:
        """End what is overdue."""
        arriving = self._body
        if now >= self.until or (arriving is not None and arriving.overdue(now, self._home.bounds)):
            self._overdue()

    def advance(self) -> None:
        """Use what was read, as far as that goes now."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._step_head() if self.phase is Phase.HEAD else self._step_body():
                pass
        finally:
            self._advancing = False

    # -- heads

    def _step_head(self) -> bool:
        home = self._home
        if len(self._waiting) >= home.bounds.pipelined:
            return False
        head = self._reader.take_head()
        if head is None:
            self._await_head()
            return False
        self._in_head = False
        self.until = math.inf
        try:
            found = head if isinstance(head, BadHead) else self._recognition.read(head, home.taking, home.bounds)
            if isinstance(found, BadHead):
                self._answer_last(self._exchange(NO_HEAD), problem(found.status, found.words, close=True))
                return False
            self._admit(self._exchange(found.parsed), found.found)
        except Exception as error:
            self._fault(error)
        return True

    def _exchange(self, head: ParsedHead) -> Exchange:
        home = self._home
        exchange = Exchange(self._outlet, home.taking, home.memory, head, home.loop.time())
        self._waiting.append(exchange)
        return exchange

    def _await_head(self) -> None:
        waiting, home = self._waiting, self._home
        if (home.draining or self.ended) and not waiting:
            self._outlet.close(Ending.CLOSE)
        elif self._reader.empty():
            self._in_head = False
            self.until = math.inf if waiting else home.loop.time() + home.bounds.idle_seconds
        elif not self._in_head:
            self._in_head = True
            self.until = home.loop.time() + home.bounds.head_seconds

    def _admit(self, exchange: Exchange, found: Admitted | Answer) -> None:
        if isinstance(found, Answer):
            self._answer_early(exchange, found)
            return
        exchange.request = found
        known = self._home.taking.known_token(found)
        if known is None:
            self.phase = Phase.HELD
            self._home.judge(exchange, self.judged)
        else:
            self._enter(exchange, known)

    def _enter(self, exchange: Exchange, found: bool | Answer) -> None:
        """Have room before the body is read: while there is none, the socket is not read."""
        if isinstance(found, Answer):
            self._answer_early(exchange, found)
            return
        exchange.authenticated = found
        request = exchange.request
        length = exchange.head.request.length
        size = length if length is not None and request.encoding == "identity" else request.plane.max_body
        if exchange.reserve(size):
            self._read_body(exchange)
        else:
            self.phase = Phase.HELD
            self.until = exchange.began + request.plane.hold_seconds

    # -- bodies

    def _read_body(self, exchange: Exchange) -> None:
        """There is room: take the body that is here, or begin to wait for it."""
        length = exchange.head.request.length
        if length is not None and (body := self._reader.take_whole(length)) is not None:
            self._completed(exchange, body)
            return
        limit = exchange.request.plane.max_body
        waits = exchange.head.expects and self._reader.empty()
        self._begin_body(Phase.BODY, ChunkedBody(limit) if length is None else SizedBody(length))
        if waits:
            exchange.wants_continue = True
            self._outlet.flush()

    def _begin_body(self, phase: Phase, body: Body) -> None:
        self.phase = phase
        self.until = math.inf
        self._body = Arriving(body, self._home.loop.time())

    def _step_body(self) -> bool:
        if self._body is None:
            return False
        body = self._body.body
        self._reader.feed(body)
        if body.fault is not None:
            self._spoiled(body.fault)
            return False
        if not body.done:
            return False
        self._body = None
        if self.phase is Phase.DROP:
            self.phase = Phase.HEAD
        else:
            self._completed(self._waiting[-1], body.content())
        return True

    def _completed(self, exchange: Exchange, body: bytes) -> None:
        self.phase = Phase.HEAD if exchange.head.keep_alive else Phase.DONE
        self.until = math.inf
        exchange.wants_continue = False
        held = self._home.loop.time() + exchange.request.plane.hold_seconds
        try:
            exchange.check(body, held)
        except Exception as error:
            self._fault(error)
            return
        if exchange.answer is not None:
            self._outlet.flush()

    def _spoiled(self, fault: Fault) -> None:
        if self.phase is Phase.DROP:
            self._outlet.close(Ending.LINGER)
            return
        exchange = self._waiting[-1]
        exchange.give_back()
        request = exchange.request
        if fault is Fault.TOO_LARGE:
            self._answer_last(exchange, too_large(request.plane, request.inlet, request.headers))
        else:
            words = "The chunks of the body are broken"
            self._answer_last(exchange, problem(400, words, close=True, source=request.inlet.source))

    # -- answers without a check of the body

    def _answer_early(self, exchange: Exchange, answer: Answer) -> None:
        """Answer by the head; the body, if it comes and is small, is dropped, and the connection serves on."""
        length = exchange.head.request.length
        limit = self._home.taking.plane.max_body
        exchange.answer = answer
        if length == 0 and not answer.close:
            self.phase = Phase.HEAD if exchange.head.keep_alive else Phase.DONE
        elif answer.close or exchange.head.expects or not exchange.head.keep_alive or (length or 0) > limit:
            self._answer_last(exchange, answer)
            return
        else:
            body: Body = ChunkedBody(limit, kept=False) if length is None else SizedBody(length, kept=False)
            self._begin_body(Phase.DROP, body)
        self._outlet.flush()

    def _answer_last(self, exchange: Exchange, answer: Answer) -> None:
        """Answer, and read no further request, since where it would begin is not known or not waited for."""
        exchange.answer = answer
        exchange.lingers = True
        self._body = None
        self._reader.clear()
        self.phase = Phase.DONE
        self.until = math.inf
        self._outlet.flush()

    def _fault(self, error: Exception) -> None:
        self._home.fault(error)
        waiting = self._waiting
        exchange = waiting[-1] if waiting and waiting[-1].answer is None else self._exchange(NO_HEAD)
        exchange.give_back()
        self._answer_last(exchange, problem(500, "The request met a fault of the server", close=True))

    def _overdue(self) -> None:
        match self.phase:
            case Phase.HEAD if self._in_head:
                self._answer_last(self._exchange(NO_HEAD), problem(408, "The head did not come in time", close=True))
            case Phase.HELD:
                exchange = self._waiting[-1]
                exchange.leave_line()
                self._answer_last(exchange, self._home.taking.held_too_long(exchange.request, close=True))
            case Phase.BODY:
                exchange = self._waiting[-1]
                exchange.give_back()
                source = exchange.request.inlet.source
                self._answer_last(exchange, problem(408, "The body did not come in time", close=True, source=source))
            case _:
                self._outlet.close(Ending.CLOSE)
