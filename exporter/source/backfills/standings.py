"""Where a group stands on its queue, as far as a backfill asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.queues.port import Position


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody reads a group, and how many events wait for it, as far as its kind of queue knows."""

    read: bool = False
    lag: int = 0


def standings(positions: Iterable[Position]) -> Mapping[str, Standing]:
    """By group, over all its lanes."""
    found: dict[str, Standing] = {}
    for each in positions:
        before = found.get(each.group, Standing())
        found[each.group] = Standing(before.read or each.reader, before.lag + (each.lag or 0))
    return found
