"""An outbox, a receiver, and a time that moves only when told: whole runs in microseconds."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.outbox.limits import Limits
from exporter.outbox.loop_load import LoopLoad
from exporter.outbox.next_steps import DeadLetter, Probe, Send, Settle, Wait
from exporter.outbox.outbox import Outbox
from exporter.outbox.shares import Pool
from exporter.outbox.verdict import Delivered, Judged

Receiver = Callable[[Export, float], tuple[float, Judged]]

DEFAULTS: dict[str, Any] = {
    "retries": (15.0, 30.0),
    "rate": 1e6,
    "concurrency": 256,
    "window_events": 10_000,
    "window_bytes": 1 << 30,
    "retry_after_cap": 3600.0,
    "pause_after_rejections": 100,
}


def limits(**changes: Any) -> Limits:
    values = {**DEFAULTS, **changes}
    waits = values.pop("retries")
    return Limits(
        retries=len(waits),
        retry_delay=lambda n: waits[min(n, len(waits) - 1)],
        probe_delay=lambda n: float(min(60, 2**n)),
        **values,
    )


def outbox(memory: Pool | None = None, load: LoopLoad | None = None, **changes: Any) -> Outbox:
    return Outbox(limits(**changes), (memory or Pool(1 << 40)).join(), load=load)


def export(position: int, profile: str = "p", lane: str = "0", size: int = 0, joined: Sequence[str] = ()) -> Export:
    return Export(
        message=Message(lane, position, b"x" * size, 0.0),
        profile_id=profile,
        event_id=f"e{position}",
        key=f"d:e{position}",
        position=f"{lane}-{position}",
        body=b"{}",
        occurred_at=0.0,
        joined=joined,
    )


def healthy(_export: Export, _now: float) -> tuple[float, Judged]:
    return 0.05, Delivered(200)


@dataclass
class World:
    """Runs an outbox against ``receiver``, which says after how many seconds it answers, and what."""

    box: Outbox
    receiver: Receiver = healthy
    now: float = 0.0
    store_seconds: float = 0.0
    sent: list[tuple[float, Export]] = field(default_factory=list)
    probes: list[tuple[float, Export]] = field(default_factory=list)
    delivered: list[Export] = field(default_factory=list)
    dead: list[tuple[Export, str]] = field(default_factory=list)
    pauses: list[tuple[float, str]] = field(default_factory=list)
    _coming: list[tuple[float, int, Export, Judged | None, float]] = field(default_factory=list)
    _flying: set[str] = field(default_factory=set)
    _count: int = 0

    def add(self, *exports: Export) -> None:
        for each in exports:
            self.box.add(each, self.now)

    def run(self, until: float = 1e9) -> None:
        """Let everything happen that happens up to ``until``."""
        while True:
            taken = self.box.take(self.now)
            if isinstance(taken, Send | Probe):
                self._launch(taken)
                continue
            moment = self._next(taken)
            if moment is None or moment > until:
                self.now = max(self.now, min(until, 1e9 if moment is None else until))
                return
            self.now = max(self.now, moment)
            while self._coming and self._coming[0][0] <= self.now:
                self._answer()

    def _next(self, wait: Wait) -> float | None:
        moments = [wait.until] if wait.until is not None else []
        if self._coming:
            moments.append(self._coming[0][0])
        return min(moments, default=None)

    def _launch(self, taken: Send | Probe) -> None:
        assert taken.export.profile_id not in self._flying, "two exports of one profile in flight"
        self._flying.add(taken.export.profile_id)
        self.sent.append((self.now, taken.export))
        if isinstance(taken, Probe):
            self.probes.append((self.now, taken.export))
        seconds, verdict = self.receiver(taken.export, self.now)
        self._push(self.now + seconds, taken.export, verdict)

    def _push(self, at: float, each: Export, verdict: Judged | None) -> None:
        self._count += 1
        heapq.heappush(self._coming, (at, self._count, each, verdict, self.now))

    def _answer(self) -> None:
        _, _, each, verdict, began = heapq.heappop(self._coming)
        if verdict is None:
            self.box.stored(each, self.now)
            return
        self._flying.remove(each.profile_id)
        before = self.box.pause
        following = self.box.answered(each, verdict, self.now, self.now - began)
        if self.box.pause is not None and self.box.pause is not before:
            self.pauses.append((self.now, self.box.pause.reason))
        if isinstance(following, Settle):
            self.delivered.append(each)
        elif isinstance(following, DeadLetter):
            self.dead.append((each, following.reason))
            self._push(self.now + self.store_seconds, each, None)

    def positions(self) -> dict[str, list[int]]:
        """Delivered positions by profile, in the order of their delivery."""
        found: dict[str, list[int]] = defaultdict(list)
        for each in self.delivered:
            found[each.profile_id].append(each.message.position)
        return found
