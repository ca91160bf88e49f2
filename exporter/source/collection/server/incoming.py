"""The requests of a connection, from their bytes to the checks: what is read next, and until when."""

from __future__ import annotations

import math
from collections import deque

from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.server.bodies import Arriving, Body, body_of
from exporter.source.collection.server.exchange import Exchange
from exporter.source.collection.server.head import NO_HEAD, BadHead, ParsedHead
from exporter.source.collection.server.home import Home, Outlet
from exporter.source.collection.server.outgoing import Ending
from exporter.source.collection.server.phases import Phase
from exporter.source.collection.server.reader import Reader
from exporter.source.collection.server.recognition import Recognised, Recognition
from exporter.source.collection.server.refusals import HEAD_LATE, OUR_FAULT, bad_head, body_late, body_spoiled


class Incoming:
    """Reads by phases (``Phase``), in the event loop's seconds. An exchange stands in ``waiting`` from its head on."""

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
        if self.phase >= Phase.DONE:
            return
        if self.phase is Phase.HEAD and not self._in_head and self._reader.empty():
            again = self._recognition.again(data, self._home.taking)
            if again is not None and len(self._waiting) < self._home.bounds.pipelined:
                self._take_again(again[0], data[again[1] :])
                return
        self._reader.add(data)
        self.advance()

    def end(self) -> None:
        """The client sends nothing more: what has not come whole never will."""
        self.ended = True
        if self._body is not None:
            cut_off = self.phase is Phase.BODY
            self.stop(Phase.HEAD, math.inf)
            if cut_off:
                self._waiting.pop()

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

    def rests(self) -> bool:
        """Whether there is nothing to do before more comes; then also no request may be waiting."""
        if self.phase is not Phase.HEAD or self._waiting or not self._reader.empty():
            return False
        if self._home.draining or self.ended:
            return False
        self.until = self._home.loop.time() + self._home.bounds.idle_seconds
        return True

    def proceed(self, exchange: Exchange) -> None:
        """Read the body of ``exchange``, for which there is room now; one that is answered already gives it back."""
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

    def _take_again(self, again: Recognised, body: bytes) -> None:
        """A request whose head is known and whose body is here: the way of most requests of a busy client."""
        exchange = self._exchange(again.parsed, len(body))
        if isinstance(again.found, Admitted):
            exchange.request = again.found
        if exchange.reserve(len(body)):
            self._completed(exchange, body)
        else:
            self._reader.add(body)
            self._hold(exchange)

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
                self._answer_last(self._exchange(NO_HEAD), bad_head(found))
                return False
            recognised, length = found
            self._admit(self._exchange(recognised.parsed, length), recognised.found)
        except Exception as error:
            self._fault(error)
        return True

    def _exchange(self, head: ParsedHead, length: int | None = 0) -> Exchange:
        home = self._home
        exchange = Exchange(self._outlet, home.taking, home.memory, head, length, home.loop.time())
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
        size = exchange.length if request.encoding == "identity" else None
        if exchange.reserve(request.plane.max_body if size is None else size):
            self._read_body(exchange)
        else:
            self._hold(exchange)

    def _hold(self, exchange: Exchange) -> None:
        self.phase = Phase.HELD
        self.until = exchange.began + exchange.request.plane.hold_seconds

    # -- bodies

    def _read_body(self, exchange: Exchange) -> None:
        """There is room: take the body that is here, or begin to wait for it."""
        length = exchange.length
        if length is not None and (body := self._reader.take_whole(length)) is not None:
            self._completed(exchange, body)
            return
        waits = exchange.head.expects and self._reader.empty()
        self._begin_body(Phase.BODY, body_of(length, exchange.request.plane.max_body))
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
            if self.phase is Phase.DROP:
                self._outlet.close(Ending.LINGER)
            else:
                exchange = self._waiting[-1]
                self._answer_last(exchange, body_spoiled(exchange.request, body.fault))
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

    # -- answers without a check of the body

    def _answer_early(self, exchange: Exchange, answer: Answer) -> None:
        """Answer by the head; the body, if it comes and is small, is dropped, and the connection serves on."""
        length = exchange.length
        limit = self._home.taking.plane.max_body
        exchange.answer = answer
        if length == 0 and not answer.close:
            self.phase = Phase.HEAD if exchange.head.keep_alive else Phase.DONE
        elif answer.close or exchange.head.expects or not exchange.head.keep_alive or (length or 0) > limit:
            self._answer_last(exchange, answer)
            return
        else:
            self._begin_body(Phase.DROP, body_of(length, limit, kept=False))
        self._outlet.flush()

    def _answer_last(self, exchange: Exchange, answer: Answer) -> None:
        """Answer, and read no further request, since where it would begin is not known or not waited for."""
        exchange.give_back()
        exchange.answer = answer
        exchange.lingers = True
        self._body = None
        self._reader.clear()
        self.phase = Phase.DONE
        self.until = math.inf
        self._outlet.flush()

    def _fault(self, error: Exception) -> None:
        self._home.fault(error)
        last = self._waiting[-1] if self._waiting else None
        exchange = last if last is not None and last.answer is None else self._exchange(NO_HEAD)
        self._answer_last(exchange, OUR_FAULT)

    def _overdue(self) -> None:
        match self.phase:
            case Phase.HEAD if self._in_head:
                self._answer_last(self._exchange(NO_HEAD), HEAD_LATE)
            case Phase.HELD:
                exchange = self._waiting[-1]
                exchange.leave_line()
                self._answer_last(exchange, self._home.taking.held_too_long(exchange.request, close=True))
            case Phase.BODY:
                exchange = self._waiting[-1]
                self._answer_last(exchange, body_late(exchange.request))
            case _:
                self._outlet.close(Ending.CLOSE)
