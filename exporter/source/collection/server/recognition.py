"""Reads heads and has them admitted, and recognises the last one, since a client's next is likely the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.plane import Plane
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.head import BadHead, ParsedHead, parse_head
from exporter.source.collection.taking import Taking

#: A longer head is not remembered: it would stand in memory for each connection.
_REMEMBERED_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Recognised:
    """A head that could be read, and what it decides under a plane.

    ``plain`` are the bytes of the body where nothing but the plane has to be asked before it is read: no token, no
    word that the client waits for, no decompression. Else None.
    """

    head: bytes = field(repr=False)
    plane: Plane
    parsed: ParsedHead
    found: Admitted | Answer
    plain: int | None


class Recognition:
    """The last head of a connection."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: Recognised | None = None

    def read(self, head: bytes, taking: Taking, bounds: Bounds) -> Recognised | BadHead:
        """What ``head`` says, under the plane that is in force now."""
        last = self._last
        if last is not None and head == last.head and taking.plane is last.plane:
            return last
        parsed = parse_head(head, bounds)
        if isinstance(parsed, BadHead):
            return parsed
        plane = taking.plane
        found = taking.admit(parsed.request)
        recognised = Recognised(head, plane, parsed, found, _plain(parsed, found))
        self._last = recognised if len(head) <= _REMEMBERED_BYTES else None
        return recognised

    def again(self, data: bytes, taking: Taking) -> Recognised | None:
        """The last head, if ``data`` is the same once more with the whole of a plain body behind it, and no more."""
        last = self._last
        if last is None or last.plain is None or len(data) != len(last.head) + last.plain:
            return None
        return last if data.startswith(last.head) and taking.plane is last.plane else None


def _plain(parsed: ParsedHead, found: Admitted | Answer) -> int | None:
    if isinstance(found, Answer) or found.token or found.inlet.authentication or found.encoding != "identity":
        return None
    return None if parsed.expects or not parsed.keep_alive else parsed.request.length
