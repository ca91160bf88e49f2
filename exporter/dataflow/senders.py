"""Takes exports from the outbox, attempts, and answers; and the timer for exports that may go later.

Where nothing is waited for but the answer, an attempt is begun, and the answer begins the next attempt. For the rest (a
new connection, a token, a replay, a request that is sent again, a transport without ``begin``, tracing) there are
senders: coroutines that take an export each, attempt, and answer.

Senders start when there is an export for a sender. A sender that finds no more exports rests for a moment before
ending: an idle dataflow has no senders, and a busy dataflow need not start senders anew many times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from exporter.dataflow.attempt import Attempted, Begun, attempt, begin, conclude, go_on
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Outcome
from exporter.messages.export import Export
from exporter.outbox.next_steps import Next, Probe, Send, Wait
from exporter.outbox.verdict import Judged
from exporter.tasks.lifetimes import whole
from exporter.transport.port import CallbackTransport, Stale

#: The seconds from when a first sender began to rest until all resting senders are dismissed.
REST_SECONDS = 1.0

AttemptEnded = Callable[[Export, Judged, Next, float], None]


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
        transport = dependencies.transport
        self._transport: CallbackTransport | None = None
        if isinstance(transport, CallbackTransport) and dependencies.tracing is None:
            self._transport = transport  # a span is told of by a coroutine
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
        """Have sent what there is to send. To be called whenever the outbox changed."""
        while (export := self._take(now := self._monotonic())) is not None:
            if not self._begin(export, now):
                self._hand_over(export)

    def cut(self) -> None:
        """End every attempt, every sender and both timers now."""
        for timer in (self._timer, self._dismissal):
            if timer is not None:
                timer.cancel()
        self._timer = self._dismissal = None
        self._resting.clear()
        running, self._running = self._running, set()  # a cancelled task's traceback would keep the set
        for task in running:
            task.cancel()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.give_up()

    def _take(self, now: float) -> Export | None:
        match self._outbox.take(now):
            case Send(export) | Probe(export):
                return export
            case Wait(until):
                if until is not None:
                    self._wake_at(until)
                return None

    # -- by callback

    def _begin(self, export: Export, now: float) -> bool:
        """Begin to send, where nothing is waited for but the answer."""
        if self._transport is None or export.letter is not None:
            return False
        try:
            begun = begin(export, self._dependencies, self._transport, now, self._ended)
        except Exception:
            return False  # the bug comes again, and is a verdict there
        if begun:
            self._note(export)
        return begun

    def _ended(self, begun: Begun, outcome: Outcome | Stale) -> None:
        if self._transport is None:
            return
        try:
            attempted = conclude(begun, outcome, self._dependencies)
            if attempted is None:
                self._start(partial(self._go_on, begun, outcome, self._transport))
                return
            now = self._answer(begun.export, attempted)
            export = self._take(now)
            if export is None:
                return
            if not self._begin(export, now):
                self._hand_over(export)
            if not self._outbox.full:
                # The answer may have raised the limit: more exports may go.
                self.wake()
        except Exception as error:
            self._fail(error)

    # -- by coroutine

    def _hand_over(self, export: Export) -> None:
        """Let a sender do it."""
        while self._resting:
            resting = self._resting.pop()
            if not resting.done():  # its sender was cancelled, as the dataflow is
                resting.set_result(export)
                return
        self._start(partial(self._send, export))

    def _start(self, sender: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._tasks is None:
            raise RuntimeError("senders were woken before they were opened")
        if (task := _task(self._tasks, whole("a sender", sender))) is not None:
            self._running.add(task)

    async def _go_on(self, begun: Begun, outcome: Outcome | Stale, transport: CallbackTransport) -> None:
        now = self._answer(begun.export, await go_on(begun, outcome, self._dependencies, transport))
        await self._send(await self._next(now))

    async def _send(self, export: Export | None) -> None:
        while export is not None:
            if export.letter is None or await self._may_go(export):
                self._note(export)
                now = self._answer(export, await attempt(export, self._dependencies))
            else:
                now = self._monotonic()
                self._outbox.withdraw(export, now)
                self._freed()
            export = await self._next(now)
        # Here, since a callback would cost each sender a turn of the event loop. ``cut`` forgets cancelled senders.
        if (task := asyncio.current_task()) is not None:
            self._running.discard(task)

    async def _next(self, now: float) -> Export | None:
        """The next export for this sender; None where there was none for a while."""
        export = self._take(now)
        if export is None:
            return await self._rest()
        begun = self._begin(export, now)
        if not self._outbox.full:
            # The answer may have raised the limit: more exports may go.
            self.wake()
        return await self._rest() if begun else export

    # -- by either

    def _note(self, export: Export) -> None:
        """An attempt at the export begins."""
        if export.retries_used or export.too_fast:
            self._dependencies.metrics.retries.inc()
        if export.first_at is None:
            export.first_at = self._dependencies.clock.epoch()

    def _answer(self, export: Export, attempted: Attempted) -> float:
        """Say how an attempt ended; return the monotonic seconds of that."""
        verdict, round_trip = attempted
        now = self._monotonic()
        following = self._outbox.answered(export, verdict, now, round_trip)
        self._attempted(export, verdict, following, round_trip)
        return now

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
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End the dataflow by a bug: the event loop would only log the error, and nothing would ever be sent again."""
        if self._tasks is not None:
            _task(self._tasks, _raise(error))


def _task(group: asyncio.TaskGroup, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """A task of the group; None where the group is ending, since another task failed or was cancelled."""
    try:
        return group.create_task(work)
    except RuntimeError:
        work.close()
        return None


async def _raise(error: Exception) -> None:
    raise error
