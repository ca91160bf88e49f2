"""One partition while we read it, and how far its planned loss is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from exporter.messages.message import Message
from exporter.queues.kafka.cluster.topic_ids import lane_name
from exporter.queues.kafka.fetch.begin import Begin, gaps
from exporter.queues.progress.settled import Committed, LaneProgress, Range, encode


class Leaving(Enum):
    """How far the planned loss of a lane is."""

    NO = auto()
    TO_TELL = auto()
    TOLD = auto()
    COMPLETE = auto()  # the dataflow has called again: commit and let go


@dataclass(slots=True, eq=False)
class Lane:
    """One partition while we read it.

    ``known`` are the ranges that were settled before. ``durable`` is what was committed last, None where the lane began
    elsewhere than that. ``stuck`` is where it cannot be read on, since the topic has no such place. ``over``: it ends
    with what is in hand, since what comes next is not of this lane any more.
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
    def at(cls, number: int, incarnation: str, place: Begin, range_bytes: int) -> Lane:
        """One that begins there; ``range_bytes`` is the room for ranges where they are kept."""
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
        """Whether nobody has asked for it."""
        return self.leaving is Leaving.NO

    @property
    def readable(self) -> bool:
        """Whether to read on in it now."""
        return self.stays and self.stuck is None and not self.over and not self.progress.full

    def go_on(self, first: int) -> Sequence[Range]:
        """See ``Lanes.go_on``."""
        progress, begin = self.progress, max(self.progress.received_to + 1, self.stuck or 0)
        self.stuck = None
        # As if it had come and were settled: else what comes next would have to wait for it.
        for position in sorted({begin, first - 1}):
            if begin <= position < first and progress.received(position):
                progress.settle(position)
        return gaps(begin, first - 1, self.known)
