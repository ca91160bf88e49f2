"""Reads heads and has them admitted, and recognises the last one, since a client's next is likely the same."""

from __future__ import annotations

from dataclasses import dataclass

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
    """A head that could be read, and what it decides under a plane."""

    head: bytes
    plane: Plane
    parsed: ParsedHead
    found: Admitted | Answer


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
        recognised = Recognised(head, plane, parsed, taking.admit(parsed.request))
        self._last = recognised if len(head) <= _REMEMBERED_BYTES else None
        return recognised
