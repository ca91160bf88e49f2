"""What backfills need of the world around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.queues.port import Position
from exporter.source.profiles.port import Backfill


class Positions(Protocol):
    """The part of a queue that says where groups stand."""

    async def positions(self) -> Sequence[Position]:
        """The positions of every known group. Raises as ``Queue.positions``."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How fast profiles are told.

    Attributes:
        rate: profiles a second, all backfills together.
        lag: nothing is told to a destination for which so many events wait.
        max_event_bytes: a profile whose event would be larger is skipped.
        outbox_max: bytes of events that may wait to be told; backfills use half of that.
    """

    rate: float
    lag: int
    max_event_bytes: int
    outbox_max: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Clocks in seconds, the seconds before try n of what is away, n from 0, and how seconds are waited."""

    monotonic: Callable[[], float]
    epoch: Callable[[], float]
    delay: Callable[[int], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of what a backfill does; none of them may raise.

    Attributes:
        begun: one has begun.
        finished: one has told all its profiles.
        told: events are in the outbox.
        bug: an error of ours holds one back until the process is started again.
    """

    begun: Callable[[Backfill], None]
    finished: Callable[[Backfill], None]
    told: Callable[[], None]
    bug: Callable[[Exception], None]
