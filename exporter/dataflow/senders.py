"""Senders: coroutines that take exports from the outbox, attempt, and answer; and the timer that wakes senders.

Senders start when there is an export to send. A sender that finds no more exports rests for a moment before ending: an
idle dataflow has no senders, and a busy dataflow, which runs out of exports many times a second, need not start
senders anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from exporter.dataflow.attempt import attempt
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.export import Export
from exporter.outbox.next_steps import Next, Probe, Send, Wait
from exporter.outbox.verdict import Judged
from exporter.tasks.lifetimes import whole

#: The seconds from when a first sender began to rest until all resting senders are dismissed.
REST_SECONDS = 1.0

AttemptEnded = Callable[[Export, Judged, Next], None]


class Senders:
    """The senders of a dataflow.

    ``attempted`` is called after every attempt. ``may_go`` is asked before every attempt at a replay; where the answer
    is False, the replay is withdrawn, and ``freed`` is called.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        attempted: AttemptEnded,
        may_go: Callable[[Export], Awaitable[bool]],
        freed: Callable[[], None],
    ) -> None:
        self._dependencies = dependencies
        self._outbox = dependencies.outbox
        self._monotonic = dependencies.clock.monotonic
        self._attempted = attempted
        self._may_go = may_go
        self._freed = freed
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._resting: list[asyncio.Future[Export | None]] = []
        self._dismissal: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def open(self, tasks: asyncio.TaskGroup) -> None:
        """Run senders in the task group ``tasks`` from now on."""
        self._tasks = tasks

    def wake(self) -> None:
        """Have as many senders at work as there is to send. To be called whenever the outbox changed."""
        while (first := self._take(self._monotonic())) is not None:
            if self._resting:
                self._resting.pop().set_result(first)
                continue
            if self._tasks is None:
                raise RuntimeError("senders were woken before they were opened")
            self._running.add(self._tasks.create_task(whole("a sender", partial(self._send, first))))

    def cut(self) -> None:
        """End every sender and both timers now."""
        for timer in (self._timer, self._dismissal):
            if timer is not None:
                timer.cancel()
        self._timer = self._dismissal = None
        self._resting.clear()
        running, self._running = self._running, set()  # a cancelled task's traceback would keep the set
        for task in running:
            task.cancel()

    def _take(self, now: float) -> Export | None:
        match self._outbox.take(now):
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
                    self._dependencies.metrics.retries.inc()
                if export.first_at is None:
                    export.first_at = self._dependencies.clock.epoch()
                verdict, round_trip = await attempt(export, self._dependencies)
                now = self._monotonic()
                following = self._outbox.answered(export, verdict, now, round_trip)
                self._attempted(export, verdict, following)
            else:
                now = self._monotonic()
                self._outbox.withdraw(export, now)
                self._freed()
            export = self._take(now)
            if export is None:
                export = await self._rest()
            elif not self._outbox.full:
                # The answer may have raised the limit: more exports may go.
                self.wake()
        # Here, since a callback would cost each sender a turn of the event loop. ``cut`` forgets cancelled senders.
        if (task := asyncio.current_task()) is not None:
            self._running.discard(task)

    async def _rest(self) -> Export | None:
        """The next export to send; None where there was none for a while."""
        loop = asyncio.get_running_loop()
        if self._dismissal is None:
            self._dismissal = loop.call_later(REST_SECONDS, self._dismiss)
        resting: asyncio.Future[Export | None] = loop.create_future()
        self._resting.append(resting)
        return await resting

    def _dismiss(self) -> None:
        self._dismissal = None
        while self._resting:
            resting = self._resting.pop()
            if not resting.done():
                resting.set_result(None)

    def _wake_at(self, until: float) -> None:
        if self._timer is not None:
            if self._timer_at <= until:
                return
            self._timer.cancel()
        self._timer_at = until
        delay = max(0.0, until - self._monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        try:
            self.wake()
        except Exception as error:
            # The event loop would only log the error, and no sender would ever be woken again.
            if self._tasks is not None:
                self._tasks.create_task(_fail(error))


async def _fail(error: Exception) -> None:
    raise error
