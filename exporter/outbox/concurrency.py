"""How many attempts may be in flight: grow while growth pays, fall back where it does not.

The limit is looked at once a round trip. It doubles until the first sign of congestion, and grows from then on by steps
that begin at 1 and double every few rounds, so that a false sign costs seconds, not minutes. An answer "too fast", or
failures that may pass in numbers (one bad event in a hundred is no overload), lower it.

Round trips that are twice as long as the shortest known may come from the limit, or from the endpoint's own weather. So
the limit is lowered for a trial: by Little's law round trips of a queue get shorter with it, and others do not. If
round trips stay as long, that is how long the endpoint takes now, and the limit is given back.

A trial works only where the queue is this destination's own. Many destinations share the event loop: there no
destination's trial shortens the wait that the rest causes, and all pay for the growth of each. So the loop's load is
asked first, which knows the part of a round trip that is waiting for the loop. By Little's law the same part of the
attempts in flight stands in the loop's queue: while the loop has enough to do, no destination grows that has more than
a handful there, and while it has too much, such a destination falls to that. So a slow endpoint, which needs more in
flight, is not starved by fast endpoints. Round trips that are half waiting for the loop teach nothing about the
endpoint.
"""

from __future__ import annotations

import math

from exporter.outbox.loop_load import LoopLoad
from exporter.outbox.round_trips import SLOWER, Round, RoundTrips
from exporter.outbox.shares import Pool, Share

#: The limit falls by twice the share of answers that say "too much", and at most to this.
DECREASE, OF_SHARE = 0.9, 2.0
#: The limit of a trial, as a share of the limit before.
TRIAL = 0.75
#: Rounds after which a step is twice as large; and the bound of a step, as a share of the limit.
STEP_DOUBLES = 4
STEP_MOST = 0.25
#: The shortest round. All destinations may grow at once, and the effect shows at a heartbeat of the loop.
LEAST_ROUND_SECONDS = 0.03
#: The attempts in the loop's queue that are always all right.
HANDFUL = 4


class Concurrency:
    """The limit on attempts in flight, adjusted once a round trip. Times are seconds.

    ``connections`` is the destination's share of the process's connections, ``load`` how busy the process's loop is;
    None: shared with no other destination.
    """

    __slots__ = (
        "_ceiling", "_connections", "_load", "_most", "_next", "_round", "_settling", "_slow_start", "_step",
        "_suspicion", "_trial", "_trips", "limit",
    )  # fmt: skip

    def __init__(self, most: int, connections: Share | None = None, load: LoopLoad | None = None) -> None:
        self._most = most
        self._connections = connections or Pool().join()
        self._load = load or LoopLoad()
        self.begin()

    def begin(self) -> None:
        """Start at a single attempt in flight, knowing nothing: at first, and after a pause."""
        self.limit = self._connections.want(1)
        self._slow_start = True
        self._step = 1.0
        self._ceiling = 0  # the limit at which the endpoint last had too much
        self._settling = False  # answers still come from the limit before
        self._suspicion = False  # round trips were long at a limit that had just grown
        self._trial: tuple[int, float] | None = None  # limit and round trip before the trial
        self._trips = RoundTrips()
        self._next = -math.inf
        self._round = Round()

    def reached(self) -> None:
        """Note that there was more to send than the limit allowed."""
        self._round.reached = True

    def succeeded(self, round_trip: float, now: float) -> None:
        """Note an attempt that was answered with a verdict for good after ``round_trip``."""
        this = self._round
        this.answers += 1
        this.timed += 1
        this.sum += round_trip
        this.square_sum += round_trip * round_trip
        if now >= self._next:
            self._adjust(now)

    def failed(self, now: float) -> None:
        """Note an attempt that failed in a way that may pass."""
        self._round.answers += 1
        self._round.failures += 1
        if now >= self._next:
            self._adjust(now)

    def pushed_back(self, now: float) -> None:
        """Note an answer that says "too fast"."""
        self._round.answers += 1
        self._round.pushed_back += 1
        if now >= self._next:
            self._adjust(now)

    def _adjust(self, now: float) -> None:
        this, self._round = self._round, Round()
        trips = self._trips
        if this.timed:
            trips.mean = this.sum / this.timed
        self._next = now + max(trips.mean, LEAST_ROUND_SECONDS)
        ours = self._load.part(trips.mean)
        # A smaller part of waiting for the loop cannot make round trips twice as long.
        mostly_ours = ours * SLOWER >= 1
        slower = bool(this.timed) and not mostly_ours and trips.learn(this)
        if this.too_much:
            if not self._settling:
                self._ceiling = self.limit
            self._trial = None
            self._slow_start = False
            self._fall(max(DECREASE, 1 - OF_SHARE * this.too_much))
        elif ours * self.limit > HANDFUL:
            self._make_room(HANDFUL / ours, mostly_ours)
        elif self._settling:
            self._settling = False
        elif self._trial is not None:
            self._conclude(*self._trial)
        elif slower:
            self._suspect()
        else:
            if self._suspicion:
                # Half of the limit was not too much, so the whole limit was.
                self._slow_start = self._suspicion = False
            if this.reached:
                self._grow()
        self.limit = self._connections.want(self.limit)

    def _make_room(self, least: float, mostly_ours: bool) -> None:
        """Fall if the loop has too much to do: while the loop is slow, a trial tells nothing.

        Answers of a slow endpoint may come in bursts: with fewer in flight the loop would idle in between.
        """
        self._trial = None
        self._slow_start = self._slow_start and not mostly_ours
        if self._settling:
            self._settling = False
        elif self._load.too_busy(bursts=mostly_ours):
            self._slow_start = False
            self._fall(max(DECREASE, least / self.limit))

    def _fall(self, share: float) -> None:
        self.limit = max(1, min(self.limit - 1, int(self.limit * share)))
        self._suspicion = False
        self._step = 1.0
        self._settling = True

    def _grow(self) -> None:
        if self._slow_start:
            self.limit = min(self._most, self.limit * 2)
            return
        self.limit = min(self._most, self.limit + int(self._step))
        if self.limit > self._ceiling:
            self._step = min(self._step * 2 ** (1 / STEP_DOUBLES), max(1.0, STEP_MOST * self.limit))

    # -- longer round trips

    def _suspect(self) -> None:
        """Begin a trial, or wait first: a trial compares with the round trips of a limit that has stood for a while."""
        if self._suspicion:
            self._trial = self.limit, self._trips.mean
            self._fall(TRIAL)
        elif self._slow_start:
            # What came back now was sent when the limit was half as high.
            self._fall(0.5)
            self._suspicion = True
        else:
            self._suspicion = self._settling = True

    def _conclude(self, limit: int, round_trip: float) -> None:
        """End a trial: if the limit made round trips long, they got shorter by at least half of what theory says."""
        self._trial = None
        if self._trips.mean > round_trip * (1 + TRIAL) / 2:
            self._trips.lowest = self._trips.mean
            self.limit = limit
        else:
            self._slow_start = False
