"""Reads each event once for all dataflows of a process that are at about the same place in the queue."""

from __future__ import annotations

from collections.abc import Callable

from exporter.messages.message import Message
from exporter.profile.decision import Excluded
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.malformed import Malformed

#: The size of a generation, in events and in bytes; two generations are remembered.
GENERATION = 1000
GENERATION_BYTES = 1024 * 1024

Read = Callable[[Message], Change | Excluded | Malformed]


def read_alone(max_bytes: int) -> Read:
    """Reading for the only dataflow of a process, without remembering."""
    return lambda message: _read(message, max_bytes)


class SharedReading:
    """Remembers the results of the latest messages, for queues that hand the same ``Message`` to several groups.

    Two generations instead of an order of use: the older goes when the younger is full.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._young: dict[Message, Change | Excluded | Malformed] = {}
        self._old: dict[Message, Change | Excluded | Malformed] = {}
        self._young_bytes = 0

    def __call__(self, message: Message) -> Change | Excluded | Malformed:
        """The result of reading a message; see ``exporter.profile.event.event.read``."""
        found = self._young.get(message) or self._old.get(message)
        if found is None:
            found = self._young[message] = _read(message, self._max_bytes)
            self._young_bytes += len(message.body)
            if len(self._young) >= GENERATION or self._young_bytes >= GENERATION_BYTES:
                self._old, self._young = self._young, {}
                self._young_bytes = 0
        return found


def _read(message: Message, max_bytes: int) -> Change | Excluded | Malformed:
    if message.fault is not None:
        return Malformed("entry", message.fault)
    return read(message.body, max_bytes)
