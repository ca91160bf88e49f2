"""The answers of a round trip: how long the endpoint takes, and whether the endpoint has too much."""

from __future__ import annotations

import math

#: A round trip is long from this multiple of the shortest known on.
SLOWER = 2.0
#: Round trips that differ by less differ by the scheduler's noise, not by the endpoint's congestion.
NOISE_SECONDS = 0.01
#: Above this share of a round trip's answers, failures that may pass are backpressure.
FAILING_SHARE = 0.25
#: Fewer answers say nothing about a round trip.
FEW = 8
#: The deviation of single round trips that is assumed before any was measured, as a share of their mean; and the number
#: of measured round trips for which that assumption counts.
DEVIATION, DEVIATION_OF = 0.5, 8
#: How many standard errors a mean may be off.
ERRORS = 2.0


class Round:
    """The answers that came back in a round trip."""

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
        """The share of answers that say "too much"; a few failures do not."""
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
        """Take in a round with timed answers. True: trips took longer, by more than chance makes of few answers."""
        count, mean = each.timed, self.mean
        if count > 1 and mean > 0:
            variance = max(0.0, each.square_sum / count - mean * mean) / (mean * mean)
            self._variance += (variance - self._variance) * count / (self._known + count)
            # Old rounds count for as much as the newest, so that the variance follows.
            self._known = float(count)
        doubt = 1 + ERRORS * math.sqrt(self._variance / count)
        slower = count >= FEW and mean > max(SLOWER * self.lowest * doubt, self.lowest + NOISE_SECONDS)
        self.lowest = min(self.lowest, mean * doubt)
        return slower
