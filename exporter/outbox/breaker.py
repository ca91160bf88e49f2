"""When failures say that the destination is down rather than that an event is bad (contract.md#whose-fault)."""

from __future__ import annotations

from collections import deque

WATCHED = 20
FAILURES = 16
EXHAUSTED_IN_A_ROW = 2


class Breaker:
    """Counts finished attempts, never time: slow traffic must not hide an outage.

    The breaker opens when ``FAILURES`` of the last ``WATCHED`` attempts failed in a way that may pass, or when a
    further export would exhaust its retries after ``EXHAUSTED_IN_A_ROW`` did with no 2xx between.
    """

    __slots__ = ("_exhausted", "_failed", "_failures")

    def __init__(self) -> None:
        self._failed: deque[bool] = deque(maxlen=WATCHED)
        self._failures = 0
        self._exhausted = 0

    def delivered(self) -> None:
        """Note an attempt that ended with 2xx."""
        self._exhausted = 0
        self._count(failed=False)

    def answered(self) -> None:
        """Note an attempt that ended with a verdict on its event, for good: the endpoint works."""
        self._count(failed=False)

    def failed(self) -> bool:
        """Note an attempt that failed in a way that may pass. True if the breaker opens."""
        self._count(failed=True)
        return self._failures >= FAILURES

    def exhausts(self) -> bool:
        """Note an export that used up its retries. True: the breaker opens, and there is no dead letter."""
        if self._exhausted >= EXHAUSTED_IN_A_ROW:
            return True
        self._exhausted += 1
        return False

    def empty(self) -> None:
        """Begin anew after a pause. The count of exhausted exports stays: only a 2xx says that the events were bad."""
        self._failed.clear()
        self._failures = 0

    def _count(self, *, failed: bool) -> None:
        if not (failed or self._failures):
            # There is no failure that a further success could push out of sight.
            return
        if len(self._failed) == WATCHED:
            self._failures -= self._failed[0]
        self._failed.append(failed)
        self._failures += failed
