"""A partition while being read, and how far a planned loss of the lane is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from exporter.messages.message import Message
from exporter.queues.kafka.cluster.topic_ids import lane_name
from exporter.queues.kafka.fetch.start_positions import StartPosition
from exporter.queues.progress.settled import Committed, LaneProgress, Range, encode, gaps


class Leaving(Enum):
    """How far the planned loss of a lane is."""

    NO = auto()
    TO_TELL = auto()
    TOLD = auto()
    COMPLETE = auto()  # the dataflow has called ``receive`` again: commit and release


@dataclass(slots=True, eq=False)
class Lane:
    """A partition while being read.

    ``known`` are the ranges settled before reading began. ``durable`` is the last commit, None where reading began
    elsewhere. ``stuck`` is the position that cannot be read, since the topic has no such position. ``over``: the lane
    ends with the messages in hand, since later messages are not of this lane any more.
    """

    number: int
    incarnation: str
    name: str
    progress: LaneProgress
    known: Sequence[Range]
    durable: Committed | None
    leaving: Leaving = Leaving.NO
    stuck: int | None = None
    over: bool = False
    in_hand: dict[int, Message] = field(default_factory=dict)  # by position, in the order of the lane

    @classmethod
    def at(cls, number: int, incarnation: str, place: StartPosition, range_bytes: int) -> Lane:
        """A lane that begins at ``place``; ``range_bytes`` is the room for encoded ranges in a commit."""
        settled_to, known = place.settled_to, tuple(place.ranges)
        return cls(
            number,
            incarnation,
            lane_name(number, incarnation),
            LaneProgress(settled_to, known, max_range_bytes=range_bytes),
            known,
            Committed(settled_to, encode(settled_to, known)) if place.kept else None,
        )

    @property
    def stays(self) -> bool:
        """Whether no planned loss of the lane is under way."""
        return self.leaving is Leaving.NO

    @property
    def readable(self) -> bool:
        """Whether to read the lane on now."""
        return self.stays and self.stuck is None and not self.over and not self.progress.full

    def go_on(self, first: int) -> Sequence[Range]:
        """Read on from ``first``; returns the deleted positions that were neither read nor settled."""
        progress, begin = self.progress, max(self.progress.received_to + 1, self.stuck or 0)
        self.stuck = None
        # The deleted positions count as received and settled: later commits would wait for them otherwise.
        for position in sorted({begin, first - 1}):
            if begin <= position < first and progress.received(position):
                progress.settle(position)
        return gaps(begin, first - 1, self.known)
