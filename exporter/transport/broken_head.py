"""What the head of an answer still says where its lines break the rules of RFC 9112: its status counts all the same.

Of a status line only the version, white space and three digits are needed; of the headers those that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_STATUS = re.compile(rb"[\r\n]*HTTP/[0-9]\.[0-9][ \t]+([0-9]{3})(?=[ \t\r\n\v\f])")
# What may still become such a line.
_BEGUN = re.compile(rb"[\r\n]*(?:H(?:T(?:T(?:P(?:/(?:[0-9](?:\.(?:[0-9](?:[ \t]+[0-9]{0,3})?)?)?)?)?)?)?)?)?")
_END = re.compile(rb"\n\r*\n")
# Statuses whose answers have no body, whatever their headers say (RFC 9112 §6.3).
_BODILESS = frozenset({204, 304})
_LONGEST_LENGTH = 18


class NotAnAnswer(msgspec.Struct, frozen=True):
    """There is no status line, and there will be none."""


class Begun(msgspec.Struct, frozen=True):
    """No status line is there yet."""


class StatusLine(msgspec.Struct, frozen=True):
    """The status is known; the head has no end yet. ``lines`` are those that came as a whole."""

    status: int
    lines: bytes

    def headers(self) -> Mapping[str, str]:
        """What can be read of them; not before it is asked for, since more may come any number of times."""
        return _first(_fields(self.lines))


class WholeHead(msgspec.Struct, frozen=True):
    """A head that has ended.

    Attributes:
        plain: a head that says in the right words what the body is framed by, where that can be told.
        framed: whether it can be told.
        end: where the body begins.
    """

    status: int
    headers: Mapping[str, str]
    plain: bytes
    framed: bool
    end: int


def read_head(received: bytes) -> WholeHead | StatusLine | Begun | NotAnAnswer:
    """Read what came of an answer, interim answers before it included."""
    at = 0
    while (line := _STATUS.match(received, at)) is not None:
        status = int(line[1])
        if status < 100 or status == 101:
            return NotAnAnswer()
        end = _END.search(received, line.end())
        if status >= 200:
            return _final(received, status, line.end(), end)
        if end is None:
            return Begun()
        at = end.end()
    return Begun() if _BEGUN.fullmatch(received, at) else NotAnAnswer()


def _final(received: bytes, status: int, begin: int, end: re.Match[bytes] | None) -> WholeHead | StatusLine:
    lines = received[begin : None if end is None else end.start()].partition(b"\n")[2]
    if end is None:
        return StatusLine(status, lines.rpartition(b"\n")[0])
    fields = _fields(lines)
    framing = b"" if status in _BODILESS else _framing(fields)
    # Behind a head that breaks the rules nothing can be trusted to be an answer.
    plain = b"HTTP/1.1 %d \r\nConnection: close\r\n%b\r\n" % (status, framing or b"")
    return WholeHead(status, _first(fields), plain, framing is not None, end.end())


def _first(fields: list[tuple[str, str]]) -> dict[str, str]:
    """Of each name the first."""
    return dict(reversed(fields))


def _fields(lines: bytes) -> list[tuple[str, str]]:
    """Names in lower case, and values, as far as lines have them; a folded line belongs to the one before."""
    fields: list[tuple[str, str]] = []
    for line in lines.replace(b"\0", b" ").removesuffix(b"\r").split(b"\n"):
        text = line.removesuffix(b"\r").replace(b"\r", b" ").decode("latin-1")
        if text.startswith((" ", "\t")):
            if fields:
                name, value = fields[-1]
                more = text.strip(" \t")
                fields[-1] = name, f"{value} {more}".strip(" ")
            continue
        name, colon, value = text.partition(":")
        if colon:
            fields.append((name.strip(" \t").lower(), value.strip(" \t")))
    return fields


def _framing(fields: list[tuple[str, str]]) -> bytes | None:
    """By what the body ends: chunks before a length (RFC 9112 §6.3), the first length of several, or the connection.

    None: there are lengths, and none that is one.
    """
    codings = [value for name, value in fields if name == "transfer-encoding"]
    if codings:
        last = codings[-1].rpartition(",")[2].strip(" \t").lower()
        return b"Transfer-Encoding: chunked\r\n" if last == "chunked" else b""
    lengths = [value.partition(",")[0].strip(" \t") for name, value in fields if name == "content-length"]
    for length in lengths:
        if length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH:
            return b"Content-Length: %d\r\n" % int(length)
    return None if lengths else b""
