"""Telling topics of the same name apart: a topic that is deleted and made anew gives the old offsets again. Pure.

A lane's name therefore holds, beside the partition's number, an incarnation that tells the topic from others of the
same name, and so does each commit. Brokers before 2.8 give topics no id: then only the number is known.
"""

from __future__ import annotations

#: The incarnation of a topic without an id, and of a commit that names no topic.
UNKNOWN = ""
#: Characters that an incarnation has at most.
LENGTH = 12


def incarnation_of(topic_id: bytes) -> str:
    """The incarnation of the topic with ``topic_id``, which is random: the first bytes in hexadecimal.

    Without the minus sign, which ends a lane's name in ``Exporter-Position``.
    """
    return topic_id.hex()[:LENGTH]


def lane_name(number: int, incarnation: str) -> str:
    """The name of the lane that a partition is."""
    return f"{number}.{incarnation}" if incarnation else str(number)


def incarnation_in(lane: str) -> str:
    """The incarnation in a lane's name."""
    return lane.partition(".")[2]
