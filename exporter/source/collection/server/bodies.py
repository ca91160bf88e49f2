"""Bodies on their way: of a length that is known, and in chunks (RFC 9112 §7.1)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Protocol

from exporter.source.collection.server.bounds import Bounds

_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
#: A size with its extensions, and a line behind the last chunk.
_LINE_BYTES = 1024
#: All lines behind the last chunk.
_TRAILER_BYTES = 16 * 1024


class Fault(Enum):
    """Why a body is not read to its end."""

    BROKEN = "broken"
    TOO_LARGE = "too large"


class Body(Protocol):
    """A body that is fed with what comes. ``received`` counts its bytes, ``fault`` ends it."""

    received: int
    done: bool
    fault: Fault | None

    def feed(self, data: bytes, start: int) -> int:
        """Take what belongs to the body from ``data``, beginning at ``start``; returns where the rest begins."""
        ...

    def content(self) -> bytes:
        """The body, once it is ``done``."""
        ...


class Arriving:
    """A body that is being read, since ``began`` (seconds of the clock of ``now``)."""

    __slots__ = ("_began", "body")

    def __init__(self, body: Body, began: float) -> None:
        self.body = body
        self._began = began

    def overdue(self, now: float, bounds: Bounds) -> bool:
        """Whether it takes too long, as a whole or for what has come of it."""
        elapsed = now - self._began
        if elapsed >= bounds.body_seconds:
            return True
        return elapsed > bounds.body_grace_seconds and self.body.received < elapsed * bounds.body_rate


def body_of(length: int | None, limit: int, *, kept: bool = True) -> Body:
    """A body of ``length`` bytes; None: in chunks, with ``limit`` bytes at most."""
    return ChunkedBody(limit, kept=kept) if length is None else SizedBody(length, kept=kept)


class SizedBody:
    """``Body`` of a known length. With ``kept`` False its bytes are counted only."""

    __slots__ = ("_data", "_kept", "_length", "done", "fault", "received")

    def __init__(self, length: int, *, kept: bool = True) -> None:
        self._length = length
        self._kept = kept
        self._data = bytearray()
        self.received = 0
        self.done = length == 0
        self.fault: Fault | None = None

    def feed(self, data: bytes, start: int) -> int:
        end = min(len(data), start + self._length - self.received)
        if self._kept:
            self._data += data[start:end]
        self.received += end - start
        self.done = self.received == self._length
        return end

    def content(self) -> bytes:
        return bytes(self._data)


class _Part(Enum):
    SIZE = 0
    DATA = 1
    DATA_END = 2
    TRAILER = 3


class ChunkedBody:
    """``Body`` in chunks, of ``limit`` bytes at most, and with as many for all that is not content."""

    __slots__ = (
        "_data",
        "_framing",
        "_kept",
        "_left",
        "_limit",
        "_line",
        "_part",
        "_trailer",
        "done",
        "fault",
        "received",
    )

    def __init__(self, limit: int, *, kept: bool = True) -> None:
        self._limit = limit
        self._kept = kept
        self._data = bytearray()
        self._part = _Part.SIZE
        self._left = 0
        self._line = b""
        self._trailer = 0
        self._framing = 0
        self.received = 0
        self.done = False
        self.fault: Fault | None = None

    def feed(self, data: bytes, start: int) -> int:
        end = len(data)
        while start < end and not self.done and self.fault is None:
            if self._part is _Part.DATA:
                piece = min(end - start, self._left)
                if self._kept:
                    self._data += data[start : start + piece]
                self.received += piece
                self._left -= piece
                start += piece
                if not self._left:
                    self._part = _Part.DATA_END
            else:
                start = self._take_line(data, start)
        return start

    def content(self) -> bytes:
        return bytes(self._data)

    def _take_line(self, data: bytes, start: int) -> int:
        """Read up to the end of a line; the line may have begun in earlier data."""
        found = data.find(b"\n", start, start + _LINE_BYTES + 2)
        end = len(data) if found < 0 else found + 1
        if len(self._line) + end - start > _LINE_BYTES + 2:
            self.fault = Fault.BROKEN
            return start
        line = self._line + data[start:end]
        self._framing += end - start
        if self._framing > self._limit + _TRAILER_BYTES:
            self.fault = Fault.BROKEN
        elif found < 0:
            self._line = line
            if self._part is _Part.DATA_END and line != b"\r":
                self.fault = Fault.BROKEN
        elif not line.endswith(b"\r\n"):
            self.fault = Fault.BROKEN
        else:
            self._line = b""
            self._ended(line[:-2])
        return end

    def _ended(self, line: bytes) -> None:
        match self._part:
            case _Part.SIZE:
                size = _SIZE_LINE.fullmatch(line)
                if size is None:
                    self.fault = Fault.BROKEN
                    return
                self._left = int(size[1], 16)
                if self.received + self._left > self._limit:
                    self.fault = Fault.TOO_LARGE
                self._part = _Part.DATA if self._left else _Part.TRAILER
            case _Part.DATA_END:
                if line:
                    self.fault = Fault.BROKEN
                self._part = _Part.SIZE
            case _Part.TRAILER:
                self._trailer += len(line)
                if not line:
                    self.done = True
                elif self._trailer > _TRAILER_BYTES or line[:1] in b" \t" or b":" not in line or b"\r" in line:
                    self.fault = Fault.BROKEN
            case _Part.DATA:
                raise AssertionError("content has no lines")
