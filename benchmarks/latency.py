"""The time that a delivery takes under a steady stream, alone and beside a destination that is dead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cores import busy_seconds
from benchmarks.drive import PROFILES, Drive, QueueSection
from benchmarks.material import Events, quantile
from benchmarks.processes import Failed, until
from benchmarks.setting import setting
from benchmarks.streaming import Streamed, stream


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivered event: when it was put on the queue (ns of the monotonic clock), and the seconds until it arrived."""

    queued: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Stream:
    """A steady stream, delivered: what was published, what arrived by destination, and what it cost."""

    published: Streamed
    arrived: dict[str, list[Delivered]]
    costs: dict[str, float]


def latency(how: Drive, rate: float, seconds: float, queue: QueueSection = None) -> dict[str, float]:
    """Deliver a steady stream: from just before an event is published until its request is at the receiver."""
    return _numbers(delivered_stream(how, rate, seconds, queue), rate)


def isolation(how: Drive, rate: float, seconds: float, *, dead: bool) -> dict[str, float]:
    """Deliver a steady stream to nine destinations, with or without a tenth that accepts and never answers."""
    names = [f"healthy-{number}" for number in range(9)]
    return _numbers(delivered_stream(how, rate, seconds, None, names, dead=dead), rate)


def delivered_stream(
    how: Drive,
    rate: float,
    seconds: float,
    section: QueueSection = None,
    names: Sequence[str] = ("crm",),
    *,
    dead: bool = False,
) -> Stream:
    """Deliver a steady stream to the destinations of these names.

    Raises:
        Failed: the daemon ended, took too long, or nothing arrived that says when it was queued.
    """
    with setting(how.core, section) as place:
        receiver = place.receiver()
        for name in names:
            place.destination(name, receiver.port, how.transport, **how.destination)
        if dead:
            mute = place.receiver("--delay", "86400")
            place.destination(
                "dead", mute.port, how.transport, **how.body.mapping, delivery={**how.delivery, "timeout": 3_600}
            )
        daemon = place.daemon()
        daemon.ready()
        events = Events(how.body)

        def arrived(count: int) -> None:
            until("all is delivered", lambda: daemon.runs() and receiver.count() >= count * len(names))

        async def streams() -> tuple[int, Streamed, float, float]:
            async with place.queue() as queue:
                warm = await stream(queue, rate, how.warm_seconds, lambda number: events.at(number, PROFILES))
                # Events that waited during the warm-up must not delay the timed events.
                await asyncio.to_thread(arrived, warm.events)
                cpu, busy = daemon.used.cpu_seconds(), busy_seconds()
                timed = await stream(
                    queue, rate, seconds, lambda number: events.at(warm.events + number, PROFILES, timed=True)
                )
                return warm.events, timed, cpu, (busy_seconds() - busy) / timed.seconds

        warmed, timed, cpu, busy = asyncio.run(streams())
        arrived(warmed + timed.events)
        costs = {
            "other cores busy, cores": busy,
            "daemon CPU us a delivery": (daemon.used.cpu_seconds() - cpu) / (timed.events * len(names)) * 1e6,
            "daemon peak RSS MB": daemon.used.peak_megabytes(),
        }
        return Stream(timed, delivered(receiver.stats(), names), costs)


def delivered(stats: Any, destinations: Sequence[str]) -> dict[str, list[Delivered]]:
    """What a receiver's ``/stats`` tells of the destinations.

    Raises:
        Failed: nothing arrived that says when it was queued.
    """
    found = {}
    for name in destinations:
        timed = zip(stats["queued"].get(name, []), stats["latencies"].get(name, []), strict=True)
        found[name] = [Delivered(queued, seconds) for queued, seconds in timed]
    if not any(found.values()):
        raise Failed("no latency was measured")
    return found


def _numbers(streamed: Stream, rate: float) -> dict[str, float]:
    return {
        "events a second": rate,
        "published a second": streamed.published.events / streamed.published.seconds,
        **latencies(streamed.arrived),
        **streamed.costs,
    }


def latencies(arrived: dict[str, list[Delivered]]) -> dict[str, float]:
    """Quantiles over all destinations, and of the slowest, in milliseconds; 0.0 where nothing was delivered."""
    of = [[each.seconds for each in arrivals] for arrivals in arrived.values()]
    together = [seconds for each in of for seconds in each]
    return {
        "p50 ms": quantile(together, 0.5) * 1e3,
        "p99 ms": quantile(together, 0.99) * 1e3,
        "p99.9 ms": quantile(together, 0.999) * 1e3,
        "p99 ms of the slowest": max(quantile(each, 0.99) for each in of) * 1e3,
    }
