"""Reads a destination's numbers from the daemon's ``/metrics``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Numbers:
    """A daemon's counts for a destination since the daemon started; ``excluded`` by reason."""

    received: int
    excluded: Mapping[str, int]
    delivered: int
    dead_lettered: int
    retried: int

    @property
    def settled(self) -> int:
        """How many events are settled, one way or the other."""
        return sum(self.excluded.values()) + self.delivered + self.dead_lettered


async def scrape(session: aiohttp.ClientSession, ops: str, destination: str) -> Numbers:
    """The numbers as of now.

    Raises:
        aiohttp.ClientError: the daemon does not answer.
    """
    async with session.get(f"{ops}/metrics") as answer:
        answer.raise_for_status()
        return numbers(await answer.text(), destination)


def numbers(text: str, destination: str) -> Numbers:
    """The numbers of ``destination`` in a page of metrics."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            # A counter of the exporter's has at most a single further label.
            if labels.pop("destination", None) == destination and len(labels) <= 1:
                found[sample.name]["".join(labels.values())] = int(sample.value)
    exports = found["exporter_exports_total"]
    return Numbers(
        received=found["exporter_events_received_total"].get("", 0),
        excluded={reason: count for reason, count in found["exporter_events_excluded_total"].items() if count},
        delivered=exports.get("delivered", 0),
        dead_lettered=exports.get("dead_lettered", 0),
        retried=found["exporter_retries_total"].get("", 0),
    )
