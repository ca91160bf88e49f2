"""Reads heads and has them admitted, and recognises the last one, since a client's next is likely the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.plane import Plane
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.head import BadHead, ParsedHead, parse_head
from exporter.source.collection.taking import Taking

#: A longer head is not remembered: it would stand in memory for each connection.
_REMEMBERED_BYTES = 2048
#: Of a length that is recognised.
_DIGITS = 15
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A head that could be read, and what it decides under a plane.

    ``around`` is what stands before and behind the body's length, where any length that the plane allows would have
    come to the same; ``plain``: and where nothing but the plane has to be asked before the body is read: no token, no
    word that the client waits for, no decompression.
    """

    head: bytes = field(repr=False)
    plane: Plane
    parsed: ParsedHead
    found: Admitted | Answer
    around: tuple[bytes, bytes] | None = field(repr=False)
    plain: bool

    def begins(self, data: bytes) -> tuple[int, int] | None:
        """Where this head, but for the length, ends in ``data``, and the length; None: there is another head."""
        if self.around is None or not data.startswith(self.around[0]):
            return None
        before, behind = self.around
        end = data.find(b"\r", len(before), len(before) + _DIGITS)
        digits = data[len(before) : end]
        if end < 0 or not digits.isdigit() or not data.startswith(behind, end):
            return None
        length = int(digits)
        return (end + len(behind), length) if length <= self.plane.max_body else None


class Recognition:
    """The last head of a connection."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: Recognised | None = None

    def read(self, head: bytes, taking: Taking, bounds: Bounds) -> tuple[Recognised, int | None] | BadHead:
        """What ``head`` says under the plane that is in force now, and the bytes of the body, None: it is chunked."""
        last = self._last
        if last is not None and taking.plane is last.plane:
            if head == last.head:
                return last, last.parsed.request.length
            if (begun := last.begins(head)) is not None:
                return last, begun[1]
        parsed = parse_head(head, bounds)
        if isinstance(parsed, BadHead):
            return parsed
        plane = taking.plane
        found = taking.admit(parsed.request)
        around = _around(head) if isinstance(found, Admitted) else None
        recognised = Recognised(head, plane, parsed, found, around, _plain(parsed, found))
        self._last = recognised if len(head) <= _REMEMBERED_BYTES else None
        return recognised, parsed.request.length

    def again(self, data: bytes, taking: Taking) -> tuple[Recognised, int] | None:
        """The last head, if ``data`` begins with it once more and is a whole request with a plain body, and no more.

        Also returns where the body begins.
        """
        last = self._last
        if last is None or not last.plain or taking.plane is not last.plane:
            return None
        begun = last.begins(data)
        return None if begun is None or begun[0] + begun[1] != len(data) else (last, begun[0])


def _around(head: bytes) -> tuple[bytes, bytes] | None:
    found = _LENGTH.search(head)
    return None if found is None else (head[: found.start(1)], head[found.end(1) :])


def _plain(parsed: ParsedHead, found: Admitted | Answer) -> bool:
    if isinstance(found, Answer) or found.token or found.inlet.authentication or found.encoding != "identity":
        return False
    return parsed.keep_alive and not parsed.expects
