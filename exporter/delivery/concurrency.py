"""How many attempts may be in flight: slow start, then additive increase and multiplicative decrease.

The rule is Vector's adaptive concurrency with three changes that simulation asked for: it doubles each round
trip until the first sign of congestion; a deviation of less than 5 % of the mean is taken for 5 %; and failures
other than "too fast" count as back-pressure only in numbers, since one bad event in a hundred is no overload.
"""

from __future__ import annotations

import math

SLOW_START_RISE = 1.5
DECREASE = 0.9
SMOOTHING = 0.4
DEVIATIONS = 2.5
LEAST_DEVIATION = 0.05
#: Round trips this close to each other are the scheduler's noise, not the endpoint's congestion.
NOISE_SECONDS = 0.004
#: From this share of a round trip's answers on, failures that may pass are back-pressure.
FAILING_SHARE = 0.25


class Concurrency:
    """The limit on attempts in flight, adjusted once a round trip. Times are seconds."""

    __slots__ = (
        "_answers", "_failures", "_lowest", "_mean", "_most", "_next", "_pushed_back",
        "_reached", "_rtt_count", "_rtt_sum", "_slow_start", "_variance", "limit",
    )  # fmt: skip

    def __init__(self, most: int) -> None:
        self._most = most
        self.begin()

    def begin(self) -> None:
        """Start at one attempt in flight, knowing nothing: at first, and after a pause."""
        self.limit = 1
        self._slow_start = True
        self._lowest = math.inf
        self._mean = 0.0
        self._variance = 0.0
        self._next = -math.inf
        self._clear()

    def _clear(self) -> None:
        self._rtt_sum = 0.0
        self._rtt_count = 0
        self._answers = 0
        self._failures = 0
        self._pushed_back = False
        self._reached = False

    def reached(self) -> None:
        """There was more to send than the limit allowed."""
        self._reached = True

    def succeeded(self, round_trip: float, now: float) -> None:
        """An attempt was answered with a verdict for good after ``round_trip``."""
        self._answers += 1
        self._rtt_sum += round_trip
        self._rtt_count += 1
        if now >= self._next:
            self._adjust(now)

    def failed(self, now: float) -> None:
        """An attempt failed in a way that may pass."""
        self._answers += 1
        self._failures += 1
        if now >= self._next:
            self._adjust(now)

    def pushed_back(self, now: float) -> None:
        """The endpoint said that we are too fast."""
        self._answers += 1
        self._pushed_back = True
        if now >= self._next:
            self._adjust(now)

    def _adjust(self, now: float) -> None:
        congested = self._pushed_back or self._failures > FAILING_SHARE * self._answers
        if self._rtt_count:
            round_trip = self._rtt_sum / self._rtt_count
            self._lowest = min(self._lowest, round_trip)
        else:
            round_trip = self._mean
        if self._slow_start:
            slower = round_trip > SLOW_START_RISE * self._lowest and round_trip > self._lowest + NOISE_SECONDS
            if congested or slower:
                self._slow_start = False
                self._fall()
            elif self._reached:
                self.limit = min(self._most, self.limit * 2)
            self._mean = round_trip
        else:
            deviation = max(math.sqrt(self._variance), LEAST_DEVIATION * self._mean)
            if congested or round_trip > self._mean + max(DEVIATIONS * deviation, NOISE_SECONDS):
                self._fall()
            elif self._reached and round_trip <= self._mean + max(deviation, NOISE_SECONDS):
                self.limit = min(self._most, self.limit + 1)
            if self._rtt_count:
                difference = round_trip - self._mean
                self._mean += SMOOTHING * difference
                self._variance = (1 - SMOOTHING) * (self._variance + SMOOTHING * difference * difference)
        self._next = now + self._mean
        self._clear()

    def _fall(self) -> None:
        self.limit = max(1, int(self.limit * DECREASE))
