"""A steady stream of events onto a queue, and whether the stream kept its pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporter.queues.port import Outgoing, Queue

#: Events due within this time go in one call: a queue that syncs a disk cannot be asked 10,000 times a second.
_TOGETHER_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Streamed:
    """The number of published events, the seconds of the stream, and when each call that published began and ended.

    ``calls`` are nanoseconds of the monotonic clock, in order.
    """

    events: int
    seconds: float
    calls: Sequence[tuple[int, int]] = ()


async def stream(queue: Queue, rate: float, seconds: float, make: Callable[[int], Outgoing]) -> Streamed:
    """Put ``make(0)``, ``make(1)`` … on the queue, so many a second for so many seconds.

    An event is made just before being published, so the event can carry the time. A queue that takes longer than the
    time between two events gets all events that are due by then in the next call.
    """
    count = max(1, int(rate * seconds))
    begun = time.monotonic()
    done = 0
    calls: list[tuple[int, int]] = []
    while done < count:
        due = min(count, int((time.monotonic() - begun) * rate) + 1)
        if due > done:
            call = time.monotonic_ns()
            await queue.publish([make(number) for number in range(done, due)])
            calls.append((call, time.monotonic_ns()))
            done = due
        wait = max(_TOGETHER_SECONDS, begun + done / rate - time.monotonic())
        await asyncio.sleep(wait)
    return Streamed(count, time.monotonic() - begun, calls)
