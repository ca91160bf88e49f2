"""The events of the last transactions, held until they are told: who tells them need not read them from the disk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from exporter.source.profiles.merge.steps import Event
from exporter.source.profiles.port import Told

#: So many bytes of events are held, and those of one transaction in any case; what is beyond is read from the disk.
_HELD_BYTES = 4 * 1024 * 1024


class Fresh:
    """Events that are in the outbox for certain, with numbers that follow each other. Used from the event loop.

    Args:
        producer: who put them there.
    """

    def __init__(self, producer: str) -> None:
        self._producer = producer
        self._first = 1
        self._events: list[Event] = []
        self._bytes = 0

    def committed(self, first: int, events: Sequence[Event]) -> None:
        """``events``, the first with number ``first``, are durable now."""
        size = sum([len(event.body) for event in events])
        if first != self._first + len(self._events) or self._bytes + size > _HELD_BYTES:
            self._first, self._events, self._bytes = first, [], 0
        self._events += events
        self._bytes += size

    def told(self, after: int, limit: int, max_bytes: int) -> list[Told]:
        """As ``ProfileStore.told``; none where those after ``after`` are not held."""
        begin = after + 1 - self._first
        found: list[Told] = []
        if not 0 <= begin < len(self._events):
            return found
        size = 0
        for number, event in enumerate(islice(self._events, begin, begin + limit), after + 1):
            found.append(Told(self._producer, number, event.profile_id, event.body))
            size += len(event.body)
            if size >= max_bytes:
                break
        return found

    def forget(self) -> None:
        """Hold none of them."""
        self._events, self._bytes = [], 0

    def deleted(self, to: int) -> None:
        """The events up to number ``to`` are not, or soon not, in the outbox any more."""
        gone = max(0, min(to + 1 - self._first, len(self._events)))
        self._bytes -= sum([len(event.body) for event in self._events[:gone]])
        del self._events[:gone]
        self._first += gone
