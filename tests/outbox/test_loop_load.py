"""Many destinations on one event loop, on virtual time: they share it, and do not escalate against each other."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

import pytest
from world import export, outbox

from exporter.daemon.process.heartbeat import BEAT_SECONDS
from exporter.messages.export import Export
from exporter.outbox.loop_load import STANDING, LoopLoad
from exporter.outbox.next_steps import Send
from exporter.outbox.shares import Pool
from exporter.outbox.verdict import Delivered

#: What a delivery takes of our loop.
WORK_SECONDS = 0.00004
MOST = 256


class Loop:
    """One event loop: in each turn it works off all answers that are there, and each is followed by another attempt.

    ``latencies`` are those of the destinations' endpoints, which take whatever comes.
    """

    def __init__(self, latencies: Sequence[float], load: LoopLoad) -> None:
        self.load = load
        self.boxes = [outbox(concurrency=MOST, load=load) for _ in latencies]
        self.delivered: Counter[int] = Counter()
        self.most_allowed = 0
        self.now = 0.0
        self._latencies = latencies
        self._added = 0
        self._coming: list[tuple[float, int, int, Export]] = []
        self._worked = self._beat = 0.0

    def run(self, until: float) -> None:
        for number in range(len(self.boxes)):
            if not self._added or self.now == 0.0:
                for _ in range(MOST + 50):
                    self._add(number)
            self._send(number)
        while self.now < until:
            self._turn()
            self.most_allowed = max(self.most_allowed, sum(box.concurrency for box in self.boxes))

    def _turn(self) -> None:
        due = self._beat + BEAT_SECONDS
        self.now = max(self.now, min(self._coming[0][0], due))
        beating = due <= self.now
        ready = []
        while self._coming and self._coming[0][0] <= self.now:
            ready.append(heapq.heappop(self._coming))
        for _, _, number, each in ready:
            self.now += WORK_SECONDS
            self._worked += WORK_SECONDS
            assert each.first_at is not None
            self.boxes[number].answered(each, Delivered(200), self.now, self.now - each.first_at)
            self.delivered[number] += 1
            self._add(number)
            self._send(number)
        if beating:
            passed = self.now - self._beat
            self.load.heartbeat(passed - BEAT_SECONDS, self._worked, passed)
            self._beat, self._worked = self.now, 0.0

    def _add(self, number: int) -> None:
        self._added += 1
        self.boxes[number].add(export(self._added, f"p{self._added}"), self.now)

    def _send(self, number: int) -> None:
        while isinstance(taken := self.boxes[number].take(self.now), Send):
            taken.export.first_at = self.now
            coming = (self.now + self._latencies[number], taken.export.message.position, number, taken.export)
            heapq.heappush(self._coming, coming)


@pytest.mark.parametrize("seconds", [0.0005, 0.005])
def test_a_hundred_fast_destinations_do_not_escalate(seconds: float) -> None:
    """More than a few each only wait for each other, and each believes that its endpoint takes long."""
    loop = Loop([seconds] * 100, LoopLoad())
    loop.run(3.0)

    assert loop.delivered.total() >= 0.9 * 3.0 / WORK_SECONDS
    assert loop.most_allowed <= 2_000
    assert sum(box.concurrency for box in loop.boxes) <= 1_200
    assert min(loop.delivered.values()) >= 0.5 * loop.delivered.total() / 100


def test_one_alone_gets_all_that_is_allowed() -> None:
    loop = Loop([0.0005], LoopLoad())
    loop.run(2.0)

    assert loop.boxes[0].concurrency == MOST


def test_a_slow_endpoint_is_not_starved_by_a_loop_that_is_busy() -> None:
    """It takes a hundred times as many in flight as the fast ones."""
    loop = Loop([0.0005] * 60 + [0.2], LoopLoad())
    loop.run(4.0)
    before = loop.delivered.copy()
    loop.run(6.0)
    late = loop.delivered - before

    fast = sum(late[number] for number in range(60)) / 60
    assert late[60] >= 0.25 * fast


def test_what_others_do_to_the_machine_is_not_our_work() -> None:
    load = LoopLoad()
    for _ in range(STANDING):
        load.heartbeat(0.2, 0.001, 0.225)

    assert load.part(0.25) == 0.0
    assert not load.too_busy(bursts=True)


def test_a_burst_is_no_queue() -> None:
    load = LoopLoad()
    load.heartbeat(0.1, 0.125, 0.125)
    load.heartbeat(0.0, 0.0, 0.025)

    assert load.part(0.1) == 1.0
    assert load.too_busy(bursts=True)
    assert not load.too_busy(bursts=False)


def test_connections_are_shared_like_memory() -> None:
    """Each may always have its share, and borrow what is free; who has borrowed gives back when others come."""
    pool = Pool(100, least=1)
    first, second = pool.join(), pool.join()

    assert first.want(1_000) == 100
    assert second.want(1_000) == 50
    assert first.want(100) == 50
    pool.leave(second)
    assert first.want(1_000) == 100
    assert pool.used == 100


def test_each_has_one_connection_at_least() -> None:
    pool = Pool(1, least=1)
    assert [pool.join().want(5), pool.join().want(5)] == [1, 1]
