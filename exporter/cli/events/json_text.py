"""Finds where JSON over several lines begins and ends, by its brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_OPEN = (b"{", b"[")
_CLOSE = {b"}": b"{", b"]": b"["}

Numbered = tuple[int, bytes]


class Document:
    """A JSON value, line after line: an event, or a list whose elements are events.

    Attributes:
        begins: the line where the value begins.
        ended: whether the value is whole, or can't become so.
        left: the lines, or the rest of a line, behind the value once the value has ended.
        held_bytes: bytes of the lines since the last event began.
    """

    def __init__(self, begins: int) -> None:
        self.begins = begins
        self.ended = False
        self.left: list[Numbered] = []
        self._lines: list[Numbered] = []  # of the event, from where it begins
        self._offset = 0  # of the event in the first of them
        self.held_bytes = 0
        self._opened: list[bytes] = []
        self._before = b""  # the token before
        self._in_list = False
        self._wants_comma = False

    def add(self, number: int, line: bytes) -> Iterator[Numbered]:
        """Take the next line; yields the events that the line completes, each with the line where the event began."""
        self._lines.append((number, line))
        self.held_bytes += len(line)
        for token in _TOKEN.finditer(line):
            text = token[0]
            if self._breaks(text, closed=bool(token[1])):
                yield from self._broken()
                return
            if text in _OPEN:
                self._opened.append(text)
            elif text in _CLOSE:
                self._opened.pop()
            self._before = text
            yield from self._after(text, token.start(), token.end(), number)
            if self.ended:
                rest = line[token.end() :]
                self.left = [(number, rest)] if rest.strip() else []
                return

    def cut_off(self) -> Iterator[Numbered]:
        """At the end of the file: the rest of the document, unchanged."""
        if self._lines:
            text = self._text(len(self._lines[-1][1]))
            if text or not self._in_list:
                yield self._lines[0][0], text
            else:
                # All events of a list were whole, but its end is missing.
                yield self.begins, b"["

    def _breaks(self, text: bytes, *, closed: bool) -> bool:
        """Whether a token can't stand here, as far as the token matters for the end of an event."""
        if text.startswith(b'"') and not closed:
            return True
        inner = self._opened[-1] if self._opened else b""
        if text in _CLOSE:
            return _CLOSE[text] != inner or (self._at_top() and self._before == b",")
        if text in _OPEN and inner == b"{":
            return self._before != b":"
        if text in _OPEN and inner == b"[":
            return self._before not in (b"[", b",")
        if not self._opened:
            return text not in _OPEN
        return self._at_top() and (self._wants_comma != (text == b","))

    def _at_top(self) -> bool:
        return self._in_list and len(self._opened) == 1

    def _after(self, text: bytes, start: int, end: int, number: int) -> Iterator[Numbered]:
        """Keep the books after a token; yields the event that the token ends."""
        if not self._opened:
            self.ended = True
            if not self._in_list:
                yield self._lines[0][0], self._text(end)
        elif text == b"[" and len(self._opened) == 1:
            self._in_list = True
            self._restart(end)
        elif self._at_top():
            if text == b",":
                self._wants_comma = False
                self._restart(end)
            else:
                begins = self._lines[0][0] if text in _CLOSE else number
                yield begins, self._text(end)
                self._wants_comma = True
                self._restart(end)
        elif self._in_list and text in _OPEN and len(self._opened) == 2:
            self._restart(start)

    def _restart(self, at: int) -> None:
        """Begin a new event with the rest of the last line."""
        self._lines, self._offset = self._lines[-1:], at
        self.held_bytes = len(self._lines[0][1])

    def _text(self, end: int) -> bytes:
        """The text from the beginning of the event to ``end`` in the last line."""
        lines = [line for _, line in self._lines]
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][self._offset :]
        return b"".join(lines).strip()

    def _broken(self) -> Iterator[Numbered]:
        """Give up: the first line comes out unchanged, and the other lines are looked at anew."""
        self.ended = True
        while len(self._lines) > 1 and not self._lines[0][1][self._offset :].strip():
            del self._lines[0]
            self._offset = 0
        number, line = self._lines[0]
        yield number, line[self._offset :].strip() or line.strip()
        self.left = self._lines[1:]
