"""The entries that a reader has taken and not yet acknowledged: waiting, in hand, or settled. Pure.

After every broken connection the pending list is read again: entries may have been lost on the way, and Redis may
have come back from the last save without some acknowledgements. An entry held here is not handed out twice, and a
settled entry is acknowledged again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.queues.redis_streams.ids import FIRST, RawEntry, StreamId, fits, parse, position_of

_FIELD = b"event"


class _Entry(NamedTuple):
    id: bytes
    message: Message


@dataclass(slots=True)
class TakenIn:
    """The result of ``take_in``: how many entries are new; which were settled before, or deleted; an unusable entry."""

    new: int = 0
    settled: list[bytes] = field(default_factory=list)
    deleted: list[bytes] = field(default_factory=list)
    unusable: bytes | None = None


class Unacknowledged:
    """The entries of one reader, in the order of the stream."""

    def __init__(self, lane: str) -> None:
        self._lane = lane
        self._waiting: deque[_Entry] = deque()
        self.waiting_bytes = 0
        self._in_hand: dict[int, _Entry] = {}
        self._held: dict[bytes, None] = {}  # waiting, in hand, or settled and not yet acknowledged
        self.taken_to = FIRST  # the id of the last entry that was taken in
        self._last_position = 0
        self._handed_to = 0
        self.mean_bytes = 1024  # of the recent entries

    @property
    def waiting(self) -> int:
        """How many entries wait to be handed out."""
        return len(self._waiting)

    @property
    def unsettled(self) -> int:
        """How many entries wait or are in hand."""
        return len(self._waiting) + len(self._in_hand)

    def oldest_taken_at(self) -> float | None:
        """When the queue took the oldest entry in hand, in epoch seconds."""
        entry = next(iter(self._in_hand.values()), None)
        return None if entry is None else entry.message.taken_at

    def lowest(self) -> StreamId | None:
        """The lowest id that is not acknowledged; None if nothing is held."""
        id_ = next(iter(self._held), None)
        return None if id_ is None else parse(id_)

    def take_in(self, entries: Iterable[RawEntry]) -> TakenIn:
        """Take in entries in the order of the stream, as far as their ids fit into positions."""
        taken = TakenIn()
        for id_, fields in entries:
            if id_ in self._held:
                continue
            place = parse(id_)
            if place <= self.taken_to:
                taken.settled.append(id_)
            elif fields is None:
                taken.deleted.append(id_)
            else:
                position = max(position_of(place), self._last_position + 1)
                if not fits(position):
                    taken.unusable = id_
                    break
                self._last_position = position
                self.taken_to = place
                message = self._message(position, fields, place[0] / 1000)
                size = len(message.body)
                self._held[id_] = None
                self._waiting.append(_Entry(id_, message))
                self.waiting_bytes += size
                self.mean_bytes += (size - self.mean_bytes) >> 4
                taken.new += 1
        return taken

    def _message(self, position: int, fields: Sequence[bytes], taken_at: float) -> Message:
        """An entry without the field ``event`` is malformed. Names of other fields may be data, so only counted."""
        for at in range(0, len(fields) - 1, 2):
            if fields[at] == _FIELD:
                trace = None if len(fields) == 2 else _trace(fields)
                return Message(self._lane, position, fields[at + 1], taken_at, None, None, trace)
        others = len(fields) // 2
        fault = f"has no field `{_FIELD.decode()}`, only {others} other{'' if others == 1 else 's'}"
        return Message(self._lane, position, b"", taken_at, fault=fault)

    def hand_out(self, limit: int) -> list[Message]:
        """Hand out the next waiting messages, at most ``limit``."""
        messages: list[Message] = []
        while self._waiting and len(messages) < limit:
            entry = self._waiting.popleft()
            self.waiting_bytes -= len(entry.message.body)
            self._in_hand[entry.message.position] = entry
            messages.append(entry.message)
        if messages:
            self._handed_to = max(self._handed_to, messages[-1].position)
        return messages

    def settle(self, position: int) -> bytes | None:
        """The id to acknowledge; None if the position was settled before.

        Raises:
            ValueError: the position was never handed out.
        """
        entry = self._in_hand.pop(position, None)
        if entry is not None:
            return entry.id
        if position > self._handed_to:
            raise ValueError(f"position {position} was never received")
        return None

    def acknowledged(self, ids: Sequence[bytes]) -> None:
        """Forget entries that Redis has acknowledged."""
        for id_ in ids:
            self._held.pop(id_, None)

    def let_go(self) -> None:
        """Forget every entry: the stream is read from the pending list again, by whichever reader has the lease."""
        self._waiting.clear()
        self.waiting_bytes = 0
        self._in_hand.clear()
        self._held.clear()
        self.taken_to = FIRST
        self._last_position = 0


def _trace(fields: Sequence[bytes]) -> Trace | None:
    """The trace that other fields of an entry hold; of two fields of one name the first counts."""
    named = dict(zip(fields[-2::-2], fields[-1::-2], strict=True))
    return Trace.of_headers(named.get(b"traceparent"), named.get(b"tracestate"))
