"""Reads the head of an answer where lines break the rules of RFC 9112: the status counts all the same.

A status line needs only the version, white space and three digits; header lines that cannot be read are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_STATUS = re.compile(rb"[\r\n]*HTTP/[0-9]\.[0-9][ \t]+([0-9]{3})(?=[ \t\r\n\v\f])")
# A beginning that may still become a status line.
_BEGUN = re.compile(rb"[\r\n]*(?:H(?:T(?:T(?:P(?:/(?:[0-9](?:\.(?:[0-9](?:[ \t]+[0-9]{0,3})?)?)?)?)?)?)?)?)?")
_END = re.compile(rb"\n\r*\n")
# Statuses of answers without a body, whatever the headers say (RFC 9112 §6.3).
_BODILESS = frozenset({204, 304})
_LONGEST_LENGTH = 18


class NotAnAnswer(msgspec.Struct, frozen=True):
    """No status line will come, or the status is 101 or below 100."""


class Begun(msgspec.Struct, frozen=True):
    """No final status line is there yet."""


class StatusLine(msgspec.Struct, frozen=True):
    """The status is known; the head has no end yet. ``lines``: the header lines that came whole."""

    status: int
    lines: bytes

    def headers(self) -> Mapping[str, str]:
        """The readable headers; parsed on request only, since more lines may come any number of times."""
        return _first(_fields(self.lines))


class WholeHead(msgspec.Struct, frozen=True):
    """A head that has ended.

    Attributes:
        plain: a correct head with the same status and, where that can be told, the framing of the body.
        framed: whether the framing can be told.
        end: where the body begins.
    """

    status: int
    headers: Mapping[str, str]
    plain: bytes
    framed: bool
    end: int


def read_head(received: bytes) -> WholeHead | StatusLine | Begun | NotAnAnswer:
    """Read the bytes received of an answer, preceding interim answers included."""
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
    """The first value of each name."""
    return dict(reversed(fields))


def _fields(lines: bytes) -> list[tuple[str, str]]:
    """Names in lower case, and values; a line without a colon is skipped, a folded line belongs to the line before."""
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
    """The header that frames the body: chunks before a length (RFC 9112 §6.3), the first valid length of several.

    Empty where the body ends with the connection; None where there are lengths and none is valid.
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
