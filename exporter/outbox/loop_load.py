"""How busy the event loop is that all destinations of a process share.

No destination can see in its own round trips whether answers wait for the endpoint or for the loop. So a heartbeat
tells how late the loop is, and every destination's ``Concurrency`` asks here before growing.
"""

from __future__ import annotations

from collections import deque

#: From this much work before a turn on, in seconds, more attempts in flight only wait for each other.
ENOUGH_WORK_SECONDS = 0.01
#: From this much on there are too many attempts.
TOO_MUCH_WORK_SECONDS = 0.02
#: The heartbeats that are looked back on: work before every one of them is a queue that stands, before some a burst.
STANDING = 3
#: The share of a burst that is still remembered a beat later: daemon and receiver may work in turns, each on a whole
#: batch.
REMEMBERED = 0.8
#: How often an attempt waits for the loop, each time as long as a heartbeat does: to be sent, and to be heard.
WAITS = 2.0


class LoopLoad:
    """The work that waits for the loop's turn, and the delay that it makes."""

    __slots__ = ("_late", "_work", "_works")

    def __init__(self) -> None:
        self._late = 0.0
        self._work = 0.0
        self._works = deque([0.0] * STANDING, STANDING)

    def heartbeat(self, late: float, worked: float, passed: float) -> None:
        """Note a beat that came ``late`` seconds late.

        Of the ``passed`` seconds since the beat before, the loop's thread ``worked`` for that many seconds.

        Lateness from other work of the machine is not the loop's work: more in flight does help then.
        """
        work = late * min(1.0, worked / passed) if passed > 0 else 0.0
        self._works.append(work)
        self._work = max(work, REMEMBERED * self._work)
        self._late = max(late, REMEMBERED * self._late)

    def part(self, round_trip: float) -> float:
        """The part of ``round_trip`` seconds spent waiting for the loop, 0 to 1; 0 while the loop has little to do."""
        if self._work <= ENOUGH_WORK_SECONDS:
            return 0.0
        wait = WAITS * self._late
        return wait / round_trip if wait < round_trip else 1.0

    def too_busy(self, *, bursts: bool) -> bool:
        """Whether fewer attempts would do.

        ``bursts``: also where the loop has too much to do now, and nothing in between.
        """
        return (self._work if bursts else min(self._works)) > TOO_MUCH_WORK_SECONDS
