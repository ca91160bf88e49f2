"""Reads the answers of a connection for both transports, so that the same bytes mean the same to either."""

from __future__ import annotations

from collections.abc import Mapping

from httptools import HttpParserError, HttpParserUpgrade

from exporter.messages.exchange import Answer
from exporter.transport.answers.broken_head import Begun, NotAnAnswer, StatusLine, WholeHead, read_head
from exporter.transport.answers.headers import Headers, head_ends_within, response_parser
from exporter.transport.bounds import BODY_LIMIT, HEAD_LIMIT

_MISDIRECTED = 421


class AnswerReader:
    """The answer to a request, as far as received; ``begin`` is called before each request.

    The verdict falls with the status line: where the parser gives up on the other lines of a head, the status counts,
    the readable rest is read, and the connection is not used again.

    Attributes:
        head: the bytes received until the head was whole, preceding interim answers included.
        status: 0 until the head of an answer is whole, or as whole as it will be.
        body: the first bytes of the body, at most somewhat more than ``BODY_LIMIT``.
        refusal: why the bytes received are no answer and cannot become an answer; else empty.
        ended: whether the answer stands and no more of the body is wanted.
        keeps: whether the connection may serve again: the answer is whole, asks for no close, and nothing came behind.
    """

    __deletable__ = ("_parser",)  # required by mypyc

    __slots__ = ("_broken", "_complete", "_headers", "_keep", "_parser", "_spoilt", "body", "head", "refusal", "status")

    def __init__(self) -> None:
        self._parser = response_parser(self)
        self._headers: Mapping[str, str] | None = None
        self._complete = self._keep = self._spoilt = self._broken = False
        self.head = self.body = b""
        self.status = 0
        self.refusal = ""

    def begin(self) -> None:
        """Forget the last answer: a request goes out, on a connection that is new or was kept."""
        self.head = self.body = b""
        self.status = 0
        self._complete = self._keep = False

    def close(self) -> None:
        """Let the parser go: nothing more comes."""
        # The parser holds methods of this object: break the reference cycle.
        del self._parser

    @property
    def ended(self) -> bool:
        return self._complete or (self.status > 0 and (self._spoilt or len(self.body) > BODY_LIMIT))

    @property
    def keeps(self) -> bool:
        return self._complete and self._keep and not self._spoilt

    def feed(self, data: bytes) -> None:
        """Take in bytes that came."""
        if not self.status:
            self.head = self.head + data if self.head else data
        if self._broken and not self.status:
            self._read_broken()
        else:
            self._parse(data)
        if len(self.head) > HEAD_LIMIT and not self._spoilt and not self.refusal and self._is_overlong():
            self._spoilt = True
            if not self.status:
                self._read_broken()

    def answer(self) -> Answer:
        """The answer as received so far; only where ``status`` is known."""
        headers = Headers(self.head) if self._headers is None else self._headers
        return Answer(self.status, headers, self.body[:BODY_LIMIT])

    def last_word(self) -> Answer | None:
        """The answer when nothing more comes; None without a status line (contract.md#guarantees, 2)."""
        if not self.status and not self.refusal:
            found = read_head(self.head[:HEAD_LIMIT])
            if isinstance(found, StatusLine):
                self.status = found.status
                self._headers = found.headers()
                self._spoilt = True
        return self.answer() if self.status else None

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self.refusal = "the answer is an interim one (101)"
        except HttpParserError:
            self._spoilt = True
            if not self.status:
                self._read_broken()

    def _read_broken(self) -> None:
        """Read a head that the parser refused, or that is longer than ``HEAD_LIMIT``."""
        found = read_head(self.head[:HEAD_LIMIT])
        if isinstance(found, WholeHead):
            self._spoilt = False
            self._headers = found.headers
            self._parser = response_parser(self)
            self._parse(found.plain + self.head[found.end :])
            self._spoilt = self._spoilt or not found.framed
        elif isinstance(found, NotAnAnswer) or (isinstance(found, Begun) and len(self.head) > HEAD_LIMIT):
            self.refusal = "the answer is not HTTP"
        elif isinstance(found, StatusLine) and len(self.head) > HEAD_LIMIT:
            self.status = found.status
            self._headers = found.headers()
            self._spoilt = True
        else:
            self._broken = True

    def _is_overlong(self) -> bool:
        """Whether the head itself is longer than ``HEAD_LIMIT``, not only the bytes received with the head."""
        return not self.status or (self._headers is None and not head_ends_within(self.head, HEAD_LIMIT))

    # -- httptools' callbacks

    def on_message_begin(self) -> None:
        if self._complete:
            # A second answer to one request: nothing that follows can be trusted.
            self._spoilt = True

    def on_headers_complete(self) -> None:
        if not self._complete:
            status = self._parser.get_status_code()
            if status >= 200:
                self.status = status
            elif status < 100:
                # No meaning (RFC 9110 §15): nothing that can be read follows.
                raise ValueError

    def on_body(self, body: bytes) -> None:
        if not self._complete and len(self.body) <= BODY_LIMIT:
            self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        if self.status:
            self._complete = True
            # A server that answers 421 serves other names on this connection: the retry needs a new connection
            # (RFC 9110 §15.5.20).
            self._keep = self._parser.should_keep_alive() and self.status != _MISDIRECTED
