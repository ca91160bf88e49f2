"""What is committed for a lane: Kafka's offset is the next position, its metadata the ranges settled beyond it.

Pure. A broker keeps at most ``offset.metadata.max.bytes`` (4096 unless configured) of text beside an offset.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence

from exporter.queues.positions import Committed, Range, decode

_MARK = "exporter1:"


def range_bytes(metadata_bytes: int) -> int:
    """How many bytes of encoded ranges fit into ``metadata_bytes`` of text; ValueError if none do."""
    fitting = (metadata_bytes - len(_MARK)) // 4 * 3
    if fitting <= 0:
        raise ValueError(f"at least {len(_MARK) + 4} bytes are needed")
    return fitting


def to_kafka(committed: Committed) -> tuple[int, str]:
    """Offset and metadata that say the same."""
    return committed.settled_to + 1, _MARK + b64encode(committed.ranges).decode() if committed.ranges else ""


def from_kafka(offset: int, metadata: str | None) -> tuple[int, Sequence[Range]]:
    """``settled_to`` and the ranges beyond it. Metadata that is none of ours, or damaged, holds no ranges."""
    settled_to = offset - 1
    if not metadata or not metadata.startswith(_MARK):
        return settled_to, ()
    try:
        return settled_to, decode(settled_to, b64decode(metadata[len(_MARK) :], validate=True))
    except ValueError:
        return settled_to, ()
