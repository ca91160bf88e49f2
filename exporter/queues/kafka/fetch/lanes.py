"""The lanes that a subscription holds: messages handed out, positions settled, lanes being released or lost.

Pure. ``membership`` assigns lanes and takes lanes away, ``upkeep`` begins to read lanes, ``subscription`` hands out
messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from exporter.messages.message import Message
from exporter.queues.kafka.cluster.topic_ids import UNKNOWN, incarnation_in
from exporter.queues.kafka.fetch.lane import Lane, Leaving
from exporter.queues.kafka.fetch.start_positions import StartPosition
from exporter.queues.kafka.lease.assignment import Claim
from exporter.queues.port import LaneLost
from exporter.queues.progress.settled import Committed, Range


class Lanes:
    """The lanes of a subscription. ``changed`` is called when there may be news for ``receive``."""

    def __init__(self, range_bytes: int, changed: Callable[[], None]) -> None:
        self._range_bytes = range_bytes
        self.changed = changed
        self._held: dict[int, Lane] = {}
        self._named: dict[str, Lane] = {}  # the same lanes, by name
        self._news: deque[LaneLost] = deque()
        self._handed_out_to: dict[str, int] = {}  # by lane name, whichever member holds the lane now
        self._generation = -1
        self._incarnation = UNKNOWN  # of the topic, as of the last adopted lane
        self.wanted: frozenset[int] = frozenset()  # assigned, not yet adopted

    # -- from the group

    def claim(self) -> Claim:
        """The claim for joining the group."""
        leaving = frozenset(number for number, lane in self._held.items() if not lane.stays)
        return Claim(self._generation, frozenset(self._held) - leaving | self.wanted, leaving)

    def assigned(self, lanes: Collection[int], release: Collection[int], generation: int) -> bool:
        """Take the leader's assignment. True if a lane to release is not held here, but perhaps by another member."""
        self._generation = generation
        for number, lane in list(self._held.items()):
            if not lane.stays or number in lanes:
                continue
            if number in release:
                lane.leaving = Leaving.TO_TELL
                self._news.append(LaneLost(lane.name, planned=True))
            else:
                self._lose(lane)
        self.wanted = frozenset(lanes) - self._held.keys()
        self.changed()
        return not self._held.keys() >= set(release)

    def adopt(self, number: int, incarnation: str, place: StartPosition) -> None:
        """Begin to read an assigned lane at ``place``."""
        lane = Lane.at(number, incarnation, place, self._range_bytes)
        self._held[number] = self._named[lane.name] = lane
        self._incarnation = incarnation
        self.wanted -= {number}
        self.changed()

    def released(self, lane: Lane) -> None:
        """Forget a lane that was released."""
        if self._held.get(lane.number) is lane:
            self._forget(lane)

    def end(self, lane: Lane) -> None:
        """End reading of a lane whose positions do not hold any more. Messages in hand may still be settled."""
        lane.over = True
        self.changed()

    def end_unless_of(self, incarnation: str) -> None:
        """End the lanes of earlier topics; ``incarnation`` is of the topic that has the name now.

        A lane that is leaving goes on: the commit names the old incarnation, so the next member finds out.
        """
        if incarnation != UNKNOWN:
            for lane in self._held.values():
                if lane.stays and not lane.over and lane.incarnation != incarnation:
                    self.end(lane)

    def begin_anew(self) -> None:
        """Lose lanes that have ended and have no message in hand, and have the partitions placed anew."""
        for lane in list(self._held.values()):
            if lane.over and lane.stays and not lane.in_hand:
                self._lose(lane)
                self.wanted |= {lane.number}
                self.changed()

    def cannot_read(self, number: int, position: int) -> None:
        """Note that the topic has no such position: the lane is not read on until ``upkeep`` has looked."""
        lane = self._held.get(number)
        if lane is not None:
            lane.stuck = position

    def stuck(self) -> list[Lane]:
        """Lanes whose next position cannot be read."""
        return [lane for lane in self._held.values() if lane.stuck is not None and lane.stays and not lane.over]

    def go_on(self, lane: Lane, first: int) -> Sequence[Range]:
        """Read a stuck lane on from ``first``, unless the lane is past that; positions before ``first`` are deleted.

        Returns the deleted positions that were neither read nor settled before. Messages in hand stay in hand.
        """
        missed = lane.go_on(first)
        self.changed()
        return missed

    def lose_all(self) -> None:
        """Lose all lanes, since the membership is over or not certain any more."""
        for lane in list(self._held.values()):
            self._lose(lane)
        self.wanted = frozenset()
        self.changed()

    def _lose(self, lane: Lane) -> None:
        self._forget(lane)
        planned = LaneLost(lane.name, planned=True)
        if planned in self._news:
            self._news.remove(planned)
        self._news.append(LaneLost(lane.name, planned=False))

    def _forget(self, lane: Lane) -> None:
        del self._held[lane.number], self._named[lane.name]

    # -- for receive and settle

    def told(self) -> bool:
        """Note that the dataflow calls again, which completes planned losses told before; True if there were any."""
        complete = [lane for lane in self._held.values() if lane.leaving is Leaving.TOLD]
        for lane in complete:
            lane.leaving = Leaving.COMPLETE
        return bool(complete)

    def news(self) -> LaneLost | None:
        """The next loss to tell the dataflow of, if any."""
        if not self._news:
            return None
        lost = self._news.popleft()
        lane = self._named.get(lost.lane)
        if lost.planned and lane is not None:
            lane.leaving = Leaving.TOLD
        return lost

    def reads(self, name: str | None) -> bool:
        """Whether a lane is held and not leaving. None, for lanes of other queues, goes with partition 0."""
        lane = self._held.get(0) if name is None else self._named.get(name)
        return lane is not None and lane.stays

    def knows(self, name: str) -> bool:
        """Whether ``name`` is a lane of the topic that there is now, as of the last adopted lane."""
        return incarnation_in(name) == self._incarnation

    def name_of(self, number: int) -> str | None:
        """The name of a held lane, None for other lanes."""
        lane = self._held.get(number)
        return None if lane is None else lane.name

    def readable(self) -> list[int]:
        """Lanes to read from now: not leaving, stuck or over, and with room for the ranges in a commit."""
        return [number for number, lane in self._held.items() if lane.readable]

    def reads_from(self) -> Mapping[int, int]:
        """The next position of each held lane that is not leaving."""
        return {number: lane.progress.received_to + 1 for number, lane in self._held.items() if lane.stays}

    def take(self, number: int, messages: Iterable[Message]) -> list[Message]:
        """Note messages of a lane, in order, as handed out; returns all but the messages that were settled before."""
        lane = self._held.get(number)
        if lane is None or not lane.stays or lane.over:
            return []
        received = lane.progress.received
        taken = [message for message in messages if received(message.position)]
        if taken:
            lane.in_hand.update((message.position, message) for message in taken)
            name = taken[-1].lane
            self._handed_out_to[name] = max(self._handed_out_to.get(name, -1), taken[-1].position)
        return taken

    def settle(self, message: Message) -> bool:
        """Note that a message is settled; True if that was news.

        Raises:
            ValueError: the message was never handed out.
        """
        if message.position > self._handed_out_to.get(message.lane, -1):
            raise ValueError(f"position {message.position} of lane {message.lane} was never received")
        lane = self._named.get(message.lane)
        # After a lane was lost and came back, the same position is another message.
        if lane is None or lane.in_hand.get(message.position) is not message:
            return False
        lane.progress.settle(message.position)
        del lane.in_hand[message.position]
        return True

    # -- for committing

    def to_commit(self) -> list[tuple[Lane, Committed]]:
        """Settled positions that are not durable yet. Also lets lanes be read again whose ranges fit now."""
        found = []
        for lane in self._held.values():
            was_full = lane.progress.full
            committed = lane.progress.committed()
            if was_full and not lane.progress.full:
                self.changed()
            if committed != lane.durable:
                found.append((lane, committed))
        return found

    def releasing(self) -> list[Lane]:
        """Lanes to release after a commit."""
        return [lane for lane in self._held.values() if lane.leaving is Leaving.COMPLETE]

    def leaving(self) -> bool:
        """Whether there are lanes that will be released."""
        return any(not lane.stays for lane in self._held.values())

    def any_durable(self) -> list[tuple[Lane, Committed]]:
        """A commit that is durable already, if any, to be repeated as a proof of the membership."""
        return [(lane, lane.durable) for lane in self._held.values() if lane.durable is not None][:1]

    def any_held(self) -> bool:
        """Whether any lane is held."""
        return bool(self._held)

    # -- for lag

    def unsettled(self) -> Sequence[tuple[int, int, Message | None]]:
        """For each lane the number, the next position to read, and the oldest message in hand."""
        return [
            (number, lane.progress.received_to + 1, next(iter(lane.in_hand.values()), None))
            for number, lane in self._held.items()
        ]

    def in_hand(self) -> int:
        """How many messages are handed out and not settled."""
        return sum(len(lane.in_hand) for lane in self._held.values())
