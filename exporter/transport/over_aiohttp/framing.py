"""Says whether the bytes of an exchange are one answer and nothing more, which aiohttp doesn't tell."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade

from exporter.transport.answer_parser import NoStatus, response_parser


class Framing:
    """The framing of one connection's answers.

    ``complete``: the answer has ended. ``surplus``: bytes came which belong to none. ``unreadable``: what came is no
    answer, whose head would end somewhere; the lean transport judges by the same parser.
    """

    __slots__ = ("_headed", "_parser", "complete", "surplus", "unreadable")

    def __init__(self) -> None:
        self._parser = response_parser(self)
        self._headed = False
        self.complete = True
        self.surplus = False
        self.unreadable = False

    def begin(self) -> None:
        """A request goes out: one answer is expected."""
        self.complete = self._headed = False

    def feed(self, data: bytes) -> None:
        """These bytes came."""
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self.surplus = True
        except HttpParserError:
            self.surplus = True
            self.unreadable = not self._headed

    def close(self) -> None:
        """Nothing more comes. Ends the cycle of this and its parser, which holds our methods."""
        del self._parser

    def on_message_begin(self) -> None:
        """httptools calls this with an answer's first byte."""
        if self.complete:
            self.surplus = True

    def on_headers_complete(self) -> None:
        """httptools calls this behind the head of an answer; after that of an interim one the real one is to come."""
        status = self._parser.get_status_code()
        if status < 100:
            raise NoStatus
        self._headed = self._headed or status >= 200

    def on_message_complete(self) -> None:
        """httptools calls this with an answer's last byte; after an interim answer the real one is to come."""
        if self._parser.get_status_code() >= 200:
            self.complete = True
