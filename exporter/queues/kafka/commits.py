"""The form of a lane's commit: Kafka's offset is the next position, the offset's metadata holds the rest.

The rest is the incarnation of the topic (see ``topic_ids``), the time of the commit, and the ranges settled beyond the
position. Pure. A broker keeps at most ``offset.metadata.max.bytes`` (4096 unless configured) of text beside an offset.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple

from exporter.queues.kafka.cluster.topic_ids import LENGTH, UNKNOWN
from exporter.queues.progress.settled import Committed, Range, decode

_MARK = "exporter1"
_SEPARATOR = ":"
_TIME_LENGTH = 8  # hexadecimal digits of epoch seconds, enough until 2106
_BESIDE = len(_MARK) + LENGTH + _TIME_LENGTH + 3 * len(_SEPARATOR)


class CommittedOffset(NamedTuple):
    """A group's last commit in a lane; ``at`` is the time of the commit, in epoch seconds, None where unknown."""

    settled_to: int
    ranges: Sequence[Range]
    incarnation: str
    at: float | None


def range_bytes(metadata_bytes: int) -> int:
    """How many bytes of encoded ranges fit into ``metadata_bytes`` of text.

    Raises:
        ValueError: not even a few bytes fit.
    """
    fitting = (metadata_bytes - _BESIDE) // 4 * 3
    if fitting <= 0:
        raise ValueError(f"at least {_BESIDE + 4} bytes are needed")
    return fitting


def to_kafka(committed: Committed, incarnation: str, at: float) -> tuple[int, str]:
    """Offset and metadata of a commit; ``at`` is now, in epoch seconds."""
    parts = (_MARK, incarnation, f"{int(at):x}", b64encode(committed.ranges).decode())
    return committed.settled_to + 1, _SEPARATOR.join(parts)


def from_kafka(offset: int, metadata: str | None) -> CommittedOffset:
    """The commit that ``to_kafka`` wrote. Foreign or damaged metadata counts as none: another tool moved the group."""
    settled_to = offset - 1
    nothing = CommittedOffset(settled_to, (), UNKNOWN, None)
    mark, *parts = (metadata or "").split(_SEPARATOR)
    if mark != _MARK:
        return nothing
    try:
        incarnation, at, ranges = parts
        return CommittedOffset(
            settled_to, decode(settled_to, b64decode(ranges, validate=True)), incarnation, float(int(at, 16))
        )
    except ValueError:
        return nothing
