"""Says whether the bytes of an exchange are one answer and nothing more, which aiohttp doesn't tell."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade

from exporter.delivery.lean.headers import response_parser


class Framing:
    """The framing of one connection's answers; ``surplus`` says that bytes came which belong to none."""

    __slots__ = ("_parser", "complete", "surplus")

    def __init__(self) -> None:
        self._parser = response_parser(self)
        self.complete = True
        self.surplus = False

    def begin(self) -> None:
        """A request goes out: one answer is expected."""
        self.complete = False

    def feed(self, data: bytes) -> None:
        """These bytes came."""
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.surplus = True

    def close(self) -> None:
        """Nothing more comes. Ends the cycle of this and its parser, which holds our methods."""
        del self._parser

    def on_message_begin(self) -> None:
        """httptools calls this with an answer's first byte."""
        if self.complete:
            self.surplus = True

    def on_message_complete(self) -> None:
        """httptools calls this with an answer's last byte; after an interim answer the real one is to come."""
        if self._parser.get_status_code() >= 200:
            self.complete = True
