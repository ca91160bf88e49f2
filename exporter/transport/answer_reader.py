"""Reads the answers of one connection for both transports, so that the same bytes mean the same to either."""

from __future__ import annotations

from collections.abc import Mapping

from httptools import HttpParserError, HttpParserUpgrade

from exporter.messages.exchange import Answer
from exporter.transport.answer_headers import Headers, head_ends_within
from exporter.transport.answer_parser import NoStatus, response_parser
from exporter.transport.bounds import BODY_LIMIT, HEAD_LIMIT
from exporter.transport.broken_head import Begun, NotAnAnswer, StatusLine, WholeHead, read_head

_MISDIRECTED = 421


class AnswerReader:
    """What came of the answer to one request; ``begin`` is called before each.

    The verdict falls with the status line: where a parser gives up on the other lines of a head, the
    status counts, what can be read of the rest is read, and the connection is not used again.

    Attributes:
        head: what came until the head was whole, interim answers before it included.
        status: 0 until the head of an answer is whole, or as whole as it will be.
        body: its first bytes, somewhat more than ``BODY_LIMIT`` at most.
        refusal: why what came is no answer, and cannot become one; else empty.
        ended: the answer stands, and nothing more of it is wanted.
        keeps: it is whole and nothing came behind it: its connection may serve again.
    """

    __deletable__ = ("_parser",)  # mypyc asks for it

    __slots__ = ("_broken", "_complete", "_headers", "_keep", "_parser", "_spoilt", "body", "head", "refusal", "status")

    def __init__(self) -> None:
        self._parser = response_parser(self)
        self._headers: Mapping[str, str] | None = None
        self._complete = self._keep = self._spoilt = self._broken = False
        self.head = self.body = b""
        self.status = 0
        self.refusal = ""

    def begin(self) -> None:
        """A request goes out, on a connection that is new or was kept."""
        self.head = self.body = b""
        self.status = 0
        self._complete = self._keep = False

    def close(self) -> None:
        """Nothing more comes."""
        # It holds our methods, and we hold it.
        del self._parser

    @property
    def ended(self) -> bool:
        return self._complete or (self.status > 0 and (self._spoilt or len(self.body) > BODY_LIMIT))

    @property
    def keeps(self) -> bool:
        return self._complete and self._keep and not self._spoilt

    def feed(self, data: bytes) -> None:
        """These bytes came."""
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
        """What came of it so far; only where ``status`` is known."""
        headers = Headers(self.head) if self._headers is None else self._headers
        return Answer(self.status, headers, self.body[:BODY_LIMIT])

    def last_word(self) -> Answer | None:
        """The answer as nothing more will come of it. A head that merely does not end is none: it was cut off."""
        if self._broken and not self.status and not self.refusal:
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
        """The head, which the parser refused, or which is longer than it may be."""
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
        """Is it the head that is longer than the limit, and not what came with it?"""
        return not self.status or (self._headers is None and not head_ends_within(self.head, HEAD_LIMIT))

    # -- httptools' callbacks

    def on_message_begin(self) -> None:
        if self._complete:
            # A second answer to one request: nobody knows what comes next.
            self._spoilt = True

    def on_headers_complete(self) -> None:
        if not self._complete:
            status = self._parser.get_status_code()
            if status >= 200:
                self.status = status
            elif status < 100:
                raise NoStatus

    def on_body(self, body: bytes) -> None:
        if not self._complete and len(self.body) <= BODY_LIMIT:
            self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        if self.status:
            self._complete = True
            # Who answers 421 serves other names on this connection: the retry goes to another (RFC 9110 §15.5.20).
            self._keep = self._parser.should_keep_alive() and self.status != _MISDIRECTED
