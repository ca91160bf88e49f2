"""What a destination has newly mapped, and so is to be told of all who are in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from exporter.queues.port import Start
from exporter.source.profiles.port import Segment


@dataclass(frozen=True, slots=True)
class Target:
    """A destination that exports: its name, its group on the queue, and where a new group begins."""

    name: str
    group: str
    start: Start


def newly_mapped(
    mapped: Mapping[Segment, tuple[int, int]], begun: Collection[tuple[int, Segment]], start: Start
) -> Mapping[int, Sequence[Segment]]:
    """The segments for which a backfill is to begin, by the time of their mapping in epoch milliseconds, oldest first.

    A destination that begins with the latest event wants nothing of before, so what it mapped when it began is left
    out.

    Args:
        mapped: when each segment was mapped, and updated.
        begun: those for which a backfill has begun, with the time of mapping.
        start: where the destination's group begins.
    """
    first = min((created for created, _ in mapped.values()), default=0)
    found: dict[int, list[Segment]] = {}
    for segment, (created, _) in sorted(mapped.items(), key=lambda each: (each[1][0], each[0])):
        if (created, segment) not in begun and not (start == "latest" and created == first):
            found.setdefault(created, []).append(segment)
    return found
