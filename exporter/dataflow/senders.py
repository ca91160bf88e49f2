"""Senders: coroutines that take from the outbox, attempt, and answer; and the one timer that wakes them.

They start when there is something to send and end when there is not: an idle dataflow has none, and a busy one
as many as attempts may be in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from exporter.dataflow.attempt import attempt
from exporter.dataflow.parts import Parts
from exporter.delivery.export import Export
from exporter.delivery.turns import Next, Probe, Send, Wait
from exporter.delivery.verdict import Final

Ended = Callable[[Export, Final, Next], None]


class Senders:
    """``ended`` hears of every attempt; ``may_go`` is asked before one of a replay, and false withdraws it, of which
    ``withdrawn`` hears."""

    def __init__(
        self,
        parts: Parts,
        ended: Ended,
        may_go: Callable[[Export], Awaitable[bool]],
        withdrawn: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._ended = ended
        self._may_go = may_go
        self._withdrawn = withdrawn
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def open(self, tasks: asyncio.TaskGroup) -> None:
        """Senders run in this group from now on."""
        self._tasks = tasks

    def wake(self) -> None:
        """Start as many senders as there is to send. To be called whenever the outbox changed."""
        while (first := self._take()) is not None:
            if self._tasks is None:
                raise RuntimeError("senders were woken before they were opened")
            task = self._tasks.create_task(self._send(first))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def cut(self) -> None:
        """End every sender and the timer now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._running:
            task.cancel()

    def _take(self) -> Export | None:
        match self._parts.outbox.take(self._parts.clock.monotonic()):
            case Send(export) | Probe(export):
                return export
            case Wait(until):
                if until is not None:
                    self._wake_at(until)
                return None

    async def _send(self, first: Export) -> None:
        export: Export | None = first
        while export is not None:
            if export.letter is None or await self._may_go(export):
                if export.retries_used or export.too_fast:
                    self._parts.metrics.retries.inc()
                if export.first_at is None:
                    export.first_at = self._parts.clock.epoch()
                attempted = await attempt(export, self._parts)
                now = self._parts.clock.monotonic()
                following = self._parts.outbox.answered(export, attempted.verdict, now, attempted.round_trip)
                self._ended(export, attempted.verdict, following)
            else:
                self._parts.outbox.withdraw(export, self._parts.clock.monotonic())
                self._withdrawn()
            export = self._take()
            if export is not None and not self._parts.outbox.full:
                # The answer may have raised the limit: others may go as well.
                self.wake()

    def _wake_at(self, until: float) -> None:
        if self._timer is not None:
            if self._timer_at <= until:
                return
            self._timer.cancel()
        self._timer_at = until
        delay = max(0.0, until - self._parts.clock.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.wake()
