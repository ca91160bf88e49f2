"""The cost of a topic's settings: how many copies of an event there are, and how long events are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

_DAY_MS = 24 * 3600 * 1000


class TopicSettings(NamedTuple):
    """``replicas`` is the fewest of any partition; ``configs`` are empty where this user may not see settings."""

    replicas: int
    configs: Mapping[str, str]


def advice(topic: str, found: TopicSettings) -> Sequence[str]:
    """What people should know of a topic's settings, in sentences. Pure."""
    said = []
    if found.replicas == 1:
        said.append(f"topic {topic} has one replica: what one machine loses is lost; give it three")
    elif found.configs.get("min.insync.replicas") == "1":
        said.append(
            f"topic {topic} confirms an event that one replica has: what one machine loses may be lost; "
            "set its min.insync.replicas to 2"
        )
    kept = int(found.configs.get("retention.ms", "-1"))
    if 0 <= kept < _DAY_MS:
        said.append(
            f"topic {topic} deletes events after {kept / 3_600_000:g} hours, read or not: make its retention.ms longer "
            "than an outage of a destination may last"
        )
    if "compact" in found.configs.get("cleanup.policy", "delete"):
        said.append(
            f"topic {topic} is compacted: of a profile's changes only the last is sure to be read; make it delete"
        )
    return said
