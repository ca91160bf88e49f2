"""The lanes that one subscription holds: what was handed out, what is settled, what is being released or lost.

Pure but for the wall clock of a record without a time. ``membership`` brings lanes and takes them away, ``reading``
hands messages out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from exporter.queues.kafka.assignment import Claim
from exporter.queues.port import LaneLost, Message
from exporter.queues.positions import Committed, LaneProgress, Range, encode


class Leaving(Enum):
    """How far the planned loss of a lane is."""

    NO = auto()
    TO_TELL = auto()
    TOLD = auto()
    COMPLETE = auto()  # the dataflow has called again: commit and let go


@dataclass(slots=True, eq=False)
class Lane:
    """One partition while we read it."""

    number: int
    progress: LaneProgress
    durable: Committed
    leaving: Leaving = Leaving.NO
    in_hand: dict[int, Message] = field(default_factory=dict)  # by position, in the order of the lane


class Lanes:
    """``changed`` is called when ``receive`` may have something new to look at."""

    def __init__(self, range_bytes: int, changed: Callable[[], None]) -> None:
        self._range_bytes = range_bytes
        self._changed = changed
        self._held: dict[int, Lane] = {}
        self._news: deque[LaneLost] = deque()
        self._handed_out_to: dict[str, int] = {}  # whoever holds the lane now
        self._generation = -1
        self.wanted: frozenset[int] = frozenset()  # assigned to us, not yet read

    # -- from the group

    def claim(self) -> Claim:
        """What to say when joining."""
        leaving = frozenset(number for number, lane in self._held.items() if lane.leaving is not Leaving.NO)
        return Claim(self._generation, frozenset(self._held) - leaving | self.wanted, leaving)

    def assigned(self, lanes: Collection[int], release: Collection[int], generation: int) -> bool:
        """Take what the leader gave. True if something we are to release is not in our hands: others may have it."""
        self._generation = generation
        for number, lane in list(self._held.items()):
            if lane.leaving is not Leaving.NO or number in lanes:
                continue
            if number in release:
                lane.leaving = Leaving.TO_TELL
                self._news.append(LaneLost(str(number), planned=True))
            else:
                self._lose(number)
        self.wanted = frozenset(lanes) - self._held.keys()
        self._changed()
        return not self._held.keys() >= set(release)

    def adopt(self, number: int, settled_to: int, ranges: Iterable[Range]) -> None:
        """Begin to read a lane behind what was committed."""
        known = tuple(ranges)
        progress = LaneProgress(settled_to, known, max_range_bytes=self._range_bytes)
        self._held[number] = Lane(number, progress, Committed(settled_to, encode(settled_to, known)))
        self.wanted -= {number}
        self._changed()

    def released(self, lane: Lane) -> None:
        """The lane was let go of."""
        if self._held.get(lane.number) is lane:
            del self._held[lane.number]

    def begin_again(self, number: int) -> None:
        """Read a lane anew from what was committed: what we know of it does not hold."""
        if number in self._held:
            self._lose(number)
            self.wanted |= {number}
        self._changed()

    def lose_all(self) -> None:
        """We are no member any more, or cannot know."""
        for number in list(self._held):
            self._lose(number)
        self.wanted = frozenset()
        self._changed()

    def touched(self) -> None:
        """Something about reading has changed."""
        self._changed()

    def _lose(self, number: int) -> None:
        del self._held[number]
        planned = LaneLost(str(number), planned=True)
        if planned in self._news:
            self._news.remove(planned)
        self._news.append(LaneLost(str(number), planned=False))

    # -- for receive and settle

    def told(self) -> bool:
        """The dataflow calls again, so the losses it was told of are complete; True if there were any planned ones."""
        complete = [lane for lane in self._held.values() if lane.leaving is Leaving.TOLD]
        for lane in complete:
            lane.leaving = Leaving.COMPLETE
        return bool(complete)

    def news(self) -> LaneLost | None:
        """The next loss to tell the dataflow of."""
        if not self._news:
            return None
        lost = self._news.popleft()
        lane = self._held.get(int(lost.lane))
        if lost.planned and lane is not None:
            lane.leaving = Leaving.TOLD
        return lost

    def reads(self, number: int) -> bool:
        """Whether a lane is ours, and not about to go."""
        lane = self._held.get(number)
        return lane is not None and lane.leaving is Leaving.NO

    def readable(self) -> list[int]:
        """Lanes to read from now. Not those whose ranges have no room where they are kept."""
        return [number for number, lane in self._held.items() if lane.leaving is Leaving.NO and not lane.progress.full]

    def reads_from(self) -> Mapping[int, int]:
        """The next position of each lane that we hold and go on reading."""
        return {
            number: lane.progress.received_to + 1 for number, lane in self._held.items() if lane.leaving is Leaving.NO
        }

    def take(self, number: int, messages: Iterable[Message]) -> list[Message]:
        """Note messages of a lane, in order, as handed out; those that were settled before are left out."""
        lane = self._held.get(number)
        if lane is None or lane.leaving is not Leaving.NO:
            return []
        received = lane.progress.received
        taken = [message for message in messages if received(message.position)]
        if taken:
            lane.in_hand.update((message.position, message) for message in taken)
            name = taken[-1].lane
            self._handed_out_to[name] = max(self._handed_out_to.get(name, -1), taken[-1].position)
        return taken

    def settle(self, message: Message) -> bool:
        """Note that it is done with; True if that was news. Raises ValueError: it was never handed out."""
        if message.position > self._handed_out_to.get(message.lane, -1):
            raise ValueError(f"position {message.position} of lane {message.lane} was never received")
        lane = self._held.get(int(message.lane))
        # After its lane was lost and came back, the same position is another message.
        if lane is None or lane.in_hand.get(message.position) is not message:
            return False
        lane.progress.settle(message.position)
        del lane.in_hand[message.position]
        return True

    # -- for committing

    def to_commit(self) -> list[tuple[Lane, Committed]]:
        """What is settled and not yet durable. Also lets lanes be read again whose ranges fit now."""
        found = []
        for lane in self._held.values():
            was_full = lane.progress.full
            committed = lane.progress.committed()
            if was_full and not lane.progress.full:
                self._changed()
            if committed != lane.durable:
                found.append((lane, committed))
        return found

    def releasing(self) -> list[Lane]:
        """Lanes to let go of once they are committed."""
        return [lane for lane in self._held.values() if lane.leaving is Leaving.COMPLETE]

    def leaving(self) -> bool:
        """Whether there are lanes that will have to be let go of."""
        return any(lane.leaving is not Leaving.NO for lane in self._held.values())

    def any_durable(self) -> list[tuple[Lane, Committed]]:
        """Something that was committed already, to commit again only to see whether we may."""
        return [(lane, lane.durable) for lane in list(self._held.values())[:1]]

    # -- for lag

    def unsettled(self) -> Sequence[tuple[int, int, Message | None]]:
        """For each lane its number, the next position to read, and the oldest message in hand."""
        return [
            (number, lane.progress.received_to + 1, next(iter(lane.in_hand.values()), None))
            for number, lane in self._held.items()
        ]

    def in_hand(self) -> int:
        """How many messages are handed out and not settled."""
        return sum(len(lane.in_hand) for lane in self._held.values())
