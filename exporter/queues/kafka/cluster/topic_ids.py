"""Which topic of a name: one that is deleted and made anew has offsets that were another's. Pure.

A lane's name therefore holds, beside the partition's number, what tells its topic from others of that name, and so do
the positions that are committed. Brokers before 2.8 give topics no id: then only the number is known.
"""

from __future__ import annotations

#: Of a topic without an id, and of a position that does not say of which topic it is.
UNKNOWN = ""
#: Characters that an incarnation has at most.
LENGTH = 12


def incarnation_of(topic_id: bytes) -> str:
    """What tells a topic from others of its name; a few bytes of a random id, without the minus sign that ends a lane's
    name in ``Exporter-Position``."""
    return topic_id.hex()[:LENGTH]


def lane_name(number: int, incarnation: str) -> str:
    """The name of the lane that a partition is."""
    return f"{number}.{incarnation}" if incarnation else str(number)


def incarnation_in(lane: str) -> str:
    """The incarnation in such a name."""
    return lane.partition(".")[2]
