"""What the answers of one round trip say of the endpoint: how long it takes, and whether it is too much for it."""

from __future__ import annotations

import math

#: So many times the shortest known round trip is a long one.
SLOWER = 2.0
#: Round trips this close to each other are the scheduler's noise, not the endpoint's congestion.
NOISE_SECONDS = 0.01
#: From this share of a round trip's answers on, failures that may pass are back-pressure.
FAILING_SHARE = 0.25
#: Fewer answers than this say nothing about a round trip.
FEW = 8
#: What is taken for the relative deviation of single round trips before it is known, and for how many of them.
DEVIATION, DEVIATION_OF = 0.5, 8
#: How many standard errors a mean may be off.
ERRORS = 2.0


class Round:
    """What came back in one round trip."""

    __slots__ = ("answers", "failures", "pushed_back", "reached", "square_sum", "sum", "timed")

    def __init__(self) -> None:
        self.answers = 0
        self.failures = 0
        self.timed = 0
        self.sum = 0.0
        self.square_sum = 0.0
        self.pushed_back = 0
        self.reached = False

    @property
    def too_much(self) -> float:
        """The share of answers that say so."""
        if self.pushed_back or self.failures > FAILING_SHARE * self.answers:
            return (self.pushed_back + self.failures) / self.answers
        return 0.0


class RoundTrips:
    """How long round trips take: the latest mean, and the shortest that is known. Times are seconds."""

    __slots__ = ("_known", "_variance", "lowest", "mean")

    def __init__(self) -> None:
        self.mean = 0.0
        self.lowest = math.inf
        self._variance = DEVIATION * DEVIATION  # relative to the mean
        self._known = float(DEVIATION_OF)

    def learn(self, each: Round) -> bool:
        """Take in a round with timed answers. True: they took longer, by more than chance makes of few answers."""
        count, mean = each.timed, self.mean
        if count > 1 and mean > 0:
            variance = max(0.0, each.square_sum / count - mean * mean) / (mean * mean)
            self._variance += (variance - self._variance) * count / (self._known + count)
            # Old rounds count for as much as the newest, so that it follows.
            self._known = float(count)
        doubt = 1 + ERRORS * math.sqrt(self._variance / count)
        slower = count >= FEW and mean > max(SLOWER * self.lowest * doubt, self.lowest + NOISE_SECONDS)
        self.lowest = min(self.lowest, mean * doubt)
        return slower
