"""Ends daemons again and again while they deliver, starts them anew, and judges what came of it.

Several daemons may share the queue, each with a destination, a receiver and a group of its own: while one waits for
the place of its killed predecessor (seconds, where that is a lease), the others are under load and die.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from events import Sent, Source
from harness import Place
from judging import judged
from processes import WARM, Daemon, eventually

from exporter.receiver.oracle import Judgement
from exporter.receiver.reception import Reception

#: What one kill may cost: what was in flight, and what was settled and not yet committed.
DUPLICATES_PER_KILL = 300
_MORE_EVENTS = 200


@dataclass(frozen=True)
class Load:
    """How much at least, how often every daemon is ended and how, and which faults its receiver plays.

    There is one daemon for each of ``transports``.
    """

    events: int
    profiles: int
    ends: int
    how: signal.Signals = signal.SIGKILL
    transports: Sequence[str] = ("lean",)
    faults: Sequence[str] = ("--fail-rate", "0.1", "--latency", "0.02")
    rate: int = 2500
    argv: Sequence[str] = (WARM, "run")


@dataclass(frozen=True)
class Result:
    """What the loop came to for one destination."""

    judgement: Judgement
    sent: Sequence[Sent]
    received: Sequence[Reception]
    letters: Sequence[Mapping[str, Any]]


class _Worker:
    """One destination, its receiver, and the daemon that now exports to it."""

    def __init__(self, place: Place, load: Load, number: int) -> None:
        self.name = f"crm-{number}"
        self.receiver = place.receiver(*load.faults)
        self._place = place
        self._load = load
        delivery = {
            "retries": [0.05, 0.1],
            "rate": load.rate,
            "pause_after_rejections": 0,
            "transport": load.transports[number],
        }
        self._section = place.destination(self.name, self.receiver.url, delivery=delivery)
        self.daemon: Daemon

    def start(self) -> None:
        self.daemon = self._place.daemon(self.name, self._load.argv, own={"destinations": [self._section]})

    def end(self, source: Source, more: int) -> tuple[int, int]:
        """End it once ``more`` were delivered from now on and requests are in flight; both numbers, as seen before."""
        daemon = self.daemon.ready()
        before = self.receiver.delivered()

        def in_flight() -> int:
            return int(daemon.metric("exporter_in_flight", self.name))

        def loaded() -> tuple[int, int] | None:
            daemon.alive()
            # One that waits for the place of its predecessor will have enough to do.
            if not in_flight() and self._place.settled(self.name):
                self._place.publish(source.make(_MORE_EVENTS))
            if not (now := in_flight()):
                return None
            new = self.receiver.delivered() - before
            return (new, now) if new >= more else None

        counts = eventually(f"{self.name}: {more} new deliveries and some in flight", loaded)
        daemon.send(self._load.how)
        code = daemon.wait()
        assert code == (0 if self._load.how is signal.SIGTERM else -self._load.how), daemon.tail()
        return counts


def run(place: Place, load: Load) -> list[Result]:
    """The loop: a third of the events is there at first, the others come while daemons run and end.

    One result for each of ``load.transports``.
    """
    chance = random.Random(3)  # when to end them
    workers = [_Worker(place, load, number) for number in range(len(load.transports))]
    place.write()
    for worker in workers:
        worker.start()
    # A group that does not exist yet holds back nothing: all must be there before one of them has passed an event.
    for worker in workers:
        worker.daemon.ready()
    source = Source(load.profiles)
    place.publish(source.make(load.events // 3))
    share = (load.events - load.events // 3) // load.ends
    for number in range(1, load.ends + 1):
        place.publish(source.make(share))
        for worker in workers:
            new, in_flight = worker.end(source, chance.randint(1, share // 2))
            print(f"{load.how.name} {number} of {worker.name}: {new} new deliveries, {in_flight} in flight")
            worker.start()
    place.publish(source.make(max(1, load.events - len(source.made))))
    for worker in workers:
        worker.daemon.ready()
    names = [worker.name for worker in workers]
    eventually("all is settled", lambda: all(w.daemon.alive() for w in workers) and place.settled(*names))
    for worker in workers:
        assert worker.daemon.terminate() == 0
    letters = place.dead_letters()
    return [_result(worker, source.made, letters) for worker in workers]


def _result(worker: _Worker, sent: Sequence[Sent], letters: Sequence[Mapping[str, Any]]) -> Result:
    received = worker.receiver.received()
    mine = [letter for letter in letters if letter["destination"] == worker.name]
    judgement = judged(worker.name, sent, received, mine)
    print(f"{worker.name}: {judgement}")
    return Result(judgement, sent, received, mine)
