"""Where to begin reading a lane: behind what was committed, unless the topic no longer has that place. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from exporter.queues.kafka.cluster import Ends
from exporter.queues.kafka.offsets import from_kafka
from exporter.queues.positions import Range


def places_to_begin(
    numbers: Collection[int],
    committed: Mapping[int, tuple[int, str]],
    ends: Ends,
    group: str,
    warn: Callable[[str], None],
) -> dict[int, tuple[int, Sequence[Range]]]:
    """For each lane, up to where it is settled, and the ranges beyond.

    ``committed`` holds offset and metadata, where there are any. A lane without: its partition was added later, and
    is read from its beginning. What was deleted before it was read, or a topic that was made anew, is told ``warn``.
    """
    found: dict[int, tuple[int, Sequence[Range]]] = {}
    for number in sorted(numbers):
        first, following = ends.first[number], ends.next[number]
        if number not in committed:
            found[number] = (first - 1, ())
            continue
        settled_to, ranges = from_kafka(*committed[number])
        if settled_to + 1 > following:
            warn(
                f"group {group}: lane {number} ends before {settled_to + 1}, where the group stands: "
                f"was the topic made anew? It is read from its beginning"
            )
            settled_to, ranges = first - 1, ()
        elif settled_to + 1 < first:
            gone = f"events {settled_to + 1} to {first - 1} of lane {number}"
            warn(f"group {group}: {gone} were deleted before it read them")
            settled_to, ranges = first - 1, tuple((max(begin, first), end) for begin, end in ranges if end >= first)
        found[number] = (settled_to, ranges)
    return found
