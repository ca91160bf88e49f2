"""Where to begin reading a lane: after the committed position, unless the topic no longer has that place. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from exporter.queues.kafka.cluster.topic_ids import UNKNOWN
from exporter.queues.kafka.commits import CommittedOffset
from exporter.queues.progress.settled import Range, gaps


class Ends(NamedTuple):
    """For each partition the first offset that is still there, and the next offset to come."""

    first: Mapping[int, int]
    next: Mapping[int, int]


class StartPosition(NamedTuple):
    """Up to where a lane is settled, and the ranges beyond; ``kept``: both are as the group has committed."""

    settled_to: int
    ranges: Sequence[Range]
    kept: bool


def start_positions(
    numbers: Collection[int],
    committed: Mapping[int, CommittedOffset],
    ends: Ends,
    incarnation: str,
    group: str,
    warn: Callable[[str], None],
) -> dict[int, StartPosition]:
    """Where to begin in each partition of ``numbers``; ``incarnation`` is the topic's now.

    A partition without a commit was added later, and is read from the beginning. ``warn`` hears of events that were
    deleted before being read, of partitions that end before the group's position, and of a topic that was made anew.
    """
    found: dict[int, StartPosition] = {}
    of_another: list[int] = []
    for number in sorted(numbers):
        first, following = ends.first[number], ends.next[number]
        found[number] = StartPosition(first - 1, (), kept=False)
        said = committed.get(number)
        if said is None:
            continue
        if is_of_another(said, incarnation):
            of_another.append(number)
        elif said.settled_to + 1 > following:
            warn(
                f"group {group}: partition {number} ends before {said.settled_to + 1}, where the group stands: "
                f"{'has it lost events' if said.incarnation else 'was the topic made anew'}? "
                "It is read from its beginning"
            )
        elif said.settled_to + 1 < first:
            if missed := gaps(said.settled_to + 1, first - 1, said.ranges):
                warn(deleted(group, number, missed))
            beyond = tuple((max(begin, first), end) for begin, end in said.ranges if end >= first)
            found[number] = StartPosition(first - 1, beyond, kept=False)
        else:
            found[number] = StartPosition(said.settled_to, said.ranges, kept=True)
    if of_another:
        warn(
            f"group {group}: the topic was deleted and made anew; it is read from its beginning "
            f"(partition {_listed(of_another)})"
        )
    return found


def is_of_another(said: CommittedOffset, incarnation: str) -> bool:
    """Whether the commit ``said`` is of another topic of the same name; unknown incarnations count as equal."""
    return UNKNOWN not in (said.incarnation, incarnation) and said.incarnation != incarnation


def deleted(group: str, number: int, events: Sequence[Range]) -> str:
    """The warning for people that events of a partition were deleted before being read."""
    which = _listed([str(first) if first == last else f"{first} to {last}" for first, last in events])
    return f"group {group}: events {which} of partition {number} were deleted before it read them"


def _listed(items: Sequence[object]) -> str:
    *before, last = map(str, items)
    return f"{', '.join(before)} and {last}" if before else last
