"""How busy the one event loop is that all destinations of a process share.

Whether answers wait for the endpoint or for ourselves no destination can see in its own round trips. So a heartbeat
tells how late the loop is, and every destination's ``Concurrency`` asks here before it grows.
"""

from __future__ import annotations

from collections import deque

#: From this much work before anybody's turn on, in seconds, more attempts in flight only wait for each other.
ENOUGH_WORK_SECONDS = 0.01
#: From this much on there are too many.
TOO_MUCH_WORK_SECONDS = 0.02
#: A queue that so many heartbeats in a row find stands; what one of them does not find comes in bursts.
STANDING = 3
#: A burst is remembered by so much from beat to beat: daemon and receiver may work in turns, each on a whole batch.
REMEMBERED = 0.8
#: An attempt waits for the loop as long as so many heartbeats: to be sent, and to be heard.
WAITS = 2.0


class LoopLoad:
    """The work that waits for the loop's turn, and how late that makes everybody."""

    __slots__ = ("_late", "_work", "_works")

    def __init__(self) -> None:
        self._late = 0.0
        self._work = 0.0
        self._works = deque([0.0] * STANDING, STANDING)

    def heartbeat(self, late: float, worked: float, passed: float) -> None:
        """A beat came so ``late``; of the ``passed`` seconds since the last the loop's thread ``worked`` so many.

        What is late since the machine was busy with others is not our work: more in flight does help then.
        """
        work = late * min(1.0, worked / passed) if passed > 0 else 0.0
        self._works.append(work)
        self._work = max(work, REMEMBERED * self._work)
        self._late = max(late, REMEMBERED * self._late)

    def part(self, round_trip: float) -> float:
        """What part of a round trip of so many seconds is waiting for our own loop, where that has enough to do."""
        if self._work <= ENOUGH_WORK_SECONDS:
            return 0.0
        wait = WAITS * self._late
        return wait / round_trip if wait < round_trip else 1.0

    def too_busy(self, *, bursts: bool) -> bool:
        """Would fewer attempts do? ``bursts``: also where the loop has too much to do now, and nothing in between."""
        return (self._work if bursts else min(self._works)) > TOO_MUCH_WORK_SECONDS
