"""How many attempts may be in flight: grow while it pays, fall back where it does not.

Once a round trip the limit is looked at. It doubles until the first sign of congestion, and grows from then on by
steps that begin at one and double every few rounds, so that a sign that was none costs seconds, not minutes. An
answer "too fast", or failures that may pass in numbers (one bad event in a hundred is no overload), lower it.

Round trips that are twice as long as the shortest known may be our doing, or the endpoint's own weather. So the
limit is lowered for a trial: by Little's law round trips of a queue get shorter with it, and others do not. If they
did not, this is how long the endpoint takes now, and the limit is given back.

That works only where the queue is this destination's own. Many destinations share our event loop: there nobody's
trial shortens what the others make long, and everybody's growth is paid by the others. So the loop's load is asked
first, which knows what part of a round trip is waiting for that loop. By Little's law the same part of the attempts in
flight is what stands in the loop's queue: while the loop has enough to do, no destination grows that has more than a
handful there, and while the loop has too much, they fall to that. So a slow endpoint, which needs more in flight, is
not starved by fast ones. Nothing is learnt of an endpoint from round trips that are ours by half.
"""

from __future__ import annotations

import math

from exporter.outbox.loop_load import LoopLoad
from exporter.outbox.round_trips import SLOWER, Round, RoundTrips
from exporter.outbox.shares import Pool, Share

#: The limit falls by twice the share of answers that say it is too much, and at most to this.
DECREASE, OF_SHARE = 0.9, 2.0
#: The limit of a trial, as a share of the one before.
TRIAL = 0.75
#: Rounds after which a step is twice as large; and its bound, as a share of the limit.
STEP_DOUBLES = 4
STEP_MOST = 0.25
#: A round lasts at least so long. All may grow at once, and see what comes of it at a heartbeat of the loop.
LEAST_ROUND_SECONDS = 0.03
#: So many in the queue of our own loop are always all right.
HANDFUL = 4


class Concurrency:
    """The limit on attempts in flight, adjusted once a round trip. Times are seconds.

    ``connections`` is its destination's share of those of the process, ``load`` how busy the process's loop is; None:
    it is alone.
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
        """Start at one attempt in flight, knowing nothing: at first, and after a pause."""
        self.limit = self._connections.want(1)
        self._slow_start = True
        self._step = 1.0
        self._ceiling = 0  # where the endpoint last said that it is too much
        self._settling = False  # what comes back was sent under the limit before
        self._suspicion = False  # round trips were long at a limit that had just grown
        self._trial: tuple[int, float] | None = None  # limit and round trip before it
        self._trips = RoundTrips()
        self._next = -math.inf
        self._round = Round()

    def reached(self) -> None:
        """There was more to send than the limit allowed."""
        self._round.reached = True

    def succeeded(self, round_trip: float, now: float) -> None:
        """An attempt was answered with a verdict for good after ``round_trip``."""
        this = self._round
        this.answers += 1
        this.timed += 1
        this.sum += round_trip
        this.square_sum += round_trip * round_trip
        if now >= self._next:
            self._adjust(now)

    def failed(self, now: float) -> None:
        """An attempt failed in a way that may pass."""
        self._round.answers += 1
        self._round.failures += 1
        if now >= self._next:
            self._adjust(now)

    def pushed_back(self, now: float) -> None:
        """The endpoint said that we are too fast."""
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
        # What is ours by less cannot make them twice as long.
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
                # Half of it was not too much, so all of it was.
                self._slow_start = self._suspicion = False
            if this.reached:
                self._grow()
        self.limit = self._connections.want(self.limit)

    def _make_room(self, least: float, mostly_ours: bool) -> None:
        """Our own loop is what takes long: no trial of ours would tell anything.

        Answers of an endpoint that takes long may come in bursts: with fewer in flight the loop would idle in between.
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
        """A trial compares with what round trips are like when the limit has stood for a while."""
        if self._suspicion:
            self._trial = self.limit, self._trips.mean
            self._fall(TRIAL)
        elif self._slow_start:
            # What came back now was sent when the limit was half of this.
            self._fall(0.5)
            self._suspicion = True
        else:
            self._suspicion = self._settling = True

    def _conclude(self, limit: int, round_trip: float) -> None:
        """Were they our doing? Then they have become shorter, by half of what theory says at least."""
        self._trial = None
        if self._trips.mean > round_trip * (1 + TRIAL) / 2:
            self._trips.lowest = self._trips.mean
            self.limit = limit
        else:
            self._slow_start = False
