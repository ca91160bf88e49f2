"""One destination's flow: receive → decide → build → deliver → settle (architecture.md).

    receive   intake.py    takes messages as the window has room
    decide    examine.py   reads a message, asks the triggers
    build     examine.py   makes the document
    deliver   senders.py   attempts what the outbox gives
    settle    outcomes.py  once it was delivered or excluded, or is durably a dead letter (recorder.py)

Here they are put together, begin and end. All of it runs on one event loop, and between two awaits the outbox is
changed by one hand only. Whatever changes the outbox wakes those who may go on: ``intake`` when there may be room,
``senders`` when something may go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, ClassVar

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.intake import Intake
from exporter.dataflow.outcomes import Outcomes
from exporter.dataflow.recorder import Recorder
from exporter.dataflow.replays import Replays
from exporter.dataflow.senders import Senders
from exporter.dataflow.stops import Stops
from exporter.queues.port import Lag, QueueUnavailable, Subscription
from exporter.state.port import StateUnavailable
from exporter.tasks.lifetimes import must_live
from exporter.telemetry.status import DataflowState
from exporter.transport.read_first import answered_within

#: A subscription that takes longer than this has another reader: we are its standby.
STANDBY_SECONDS = 3.0


class Dataflow:
    """Runs from ``run`` until ``stop``; see contract.md#guarantees for what it promises."""

    #: For mypyc.
    __deletable__: ClassVar[list[str]] = [
        "parts",
        "_recorder",
        "_replays",
        "_outcomes",
        "_senders",
        "_intake",
        "_stops",
        "_subscription",
    ]

    def __init__(self, dependencies: Dependencies) -> None:
        self.dependencies = dependencies
        self._recorder = Recorder(dependencies, self._recorded)
        self._replays = Replays(dependencies, self._recorder, self._may_send)
        self._outcomes = Outcomes(dependencies, self._recorder, self._replays, self._freed, self._recorded)
        self._senders = Senders(dependencies, self._outcomes.attempted, self._replays.may_go, self._freed)
        self._intake = Intake(dependencies, self._outcomes.concluded, self._may_send, self._lane_busy, self._lane_gone)
        self._stops = Stops(dependencies, "flow")
        self._subscription: Subscription | None = None
        self._patience: asyncio.Timeout | None = None
        self._stopped = False
        self._drain_seconds = 0.0
        self._drained = asyncio.Event()
        self.state: DataflowState = "starting"

    # -- from start to end

    async def run(self) -> bool:
        """Run until stopped. True if what was settled is committed."""
        async with AsyncExitStack() as stack:
            await self._until_stopped(self._subscribe(stack))
            subscription = self._subscription
            if subscription is None:
                return True
            # However it ends: none of the senders' timers is to outlive it.
            stack.callback(self._senders.cut)
            async with asyncio.TaskGroup() as tasks:
                self._senders.open(tasks)
                recording = tasks.create_task(must_live("the recorder", self._recorder.run))
                replaying = tasks.create_task(must_live("the replayer", lambda: self._replays.run(subscription)))
                self.state = "running"
                await self._until_stopped(must_live("the intake", lambda: self._intake.run(subscription)))
                replaying.cancel()
                await self._drain()
                recording.cancel()
                self._senders.cut()
            return await self._commit(subscription)

    def let_go(self) -> None:
        """Be of no more use, once ``run`` has ended: its parts call it, so none would go before a rare collection.

        A window full of exports would stay for so long, after every reload one more.
        """
        self._recorder.let_go()
        del self.dependencies, self._recorder, self._replays, self._outcomes, self._senders, self._intake
        del self._stops, self._subscription

    def stop(self, drain_seconds: float) -> None:
        """Stop reading, let what is in flight finish for so many seconds, commit, and end."""
        self._stopped = True
        self._drain_seconds = drain_seconds
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.reschedule(asyncio.get_running_loop().time())

    def cut(self) -> None:
        """Do not wait for what is in flight any longer."""
        self.stop(0.0)
        self._drained.set()

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this until it ends or the dataflow is stopped."""
        if self._stopped:
            work.close()
            return
        patience = self._patience = asyncio.timeout(None)
        try:
            async with patience:
                await work
        except TimeoutError:
            if not patience.expired():
                raise
        finally:
            self._patience = None

    async def _subscribe(self, stack: AsyncExitStack) -> None:
        dependencies = self.dependencies
        tries = 0
        while self._subscription is None:
            standby = asyncio.get_running_loop().call_later(STANDBY_SECONDS, self._stand_by)
            try:
                entering = dependencies.queue.subscribe(dependencies.group, dependencies.start)
                subscription = await stack.enter_async_context(entering)
                await dependencies.letters.open(partial(self._ours, subscription))
                self._subscription = self._outcomes.subscription = subscription
            except (QueueUnavailable, StateUnavailable) as error:
                standby.cancel()
                await stack.aclose()
                of_queue = isinstance(error, QueueUnavailable)
                self._stops.stop("queue" if of_queue else "state", str(error))
                self._outcomes.last_failure = str(error)
                await asyncio.sleep((dependencies.queue_delay if of_queue else dependencies.wait_delay)(tries))
                tries += 1
            finally:
                standby.cancel()
        self._stops.go("queue")
        self._stops.go("state")

    def _stand_by(self) -> None:
        # It is asked for so long and has not failed: the queue is there, and another one's turn is not over.
        self._stops.go("queue")
        if not self.dependencies.outbox.stops and self.state != "standby":
            self.state = "standby"
            self.dependencies.log.info("standby", group=self.dependencies.group)

    async def _drain(self) -> None:
        self.state = "draining"
        self.dependencies.outbox.close()
        self._look_if_drained()
        try:
            async with answered_within(self._drain_seconds):
                await self._drained.wait()
        except TimeoutError:
            self.dependencies.log.warning("drain ended early", in_flight=self.dependencies.outbox.in_flight)

    def _look_if_drained(self) -> None:
        """What the store refuses now is left to the queue: waiting would not help."""
        if self.state != "draining" or self.dependencies.outbox.in_flight:
            return
        if self._recorder.idle or self._recorder.stuck:
            self._drained.set()

    async def _commit(self, subscription: Subscription) -> bool:
        try:
            await subscription.commit()
        except QueueUnavailable as error:
            self.dependencies.log.error("last commit failed", detail=str(error))
            return False
        return True

    # -- between its parts

    def _freed(self) -> None:
        """Something came to its end: there may be room, or nothing left."""
        self._intake.woken()
        self._look_if_drained()

    def _recorded(self) -> None:
        self._look_if_drained()
        self._may_send()

    def _may_send(self) -> None:
        """Something may go that could not before."""
        self._intake.woken()
        self._senders.wake()

    def _lane_busy(self, lane: str) -> bool:
        """Is anything of this lane in flight, or on its way into the store? (Whose lane that is, nobody knows.)"""
        return self.dependencies.outbox.flying(lane) or not (self._recorder.idle or self._recorder.stuck)

    def _lane_gone(self, lane: str) -> None:
        self.dependencies.letters.let_go(self.dependencies.place(lane), self._replays.let_go(lane))

    def _ours(self, subscription: Subscription, place: str) -> bool:
        """Are the letters of this lane ours to replay?"""
        return subscription.reads(self.dependencies.lane_at(place, subscription))

    # -- what it says of itself

    @property
    def last_failure(self) -> str | None:
        """What went wrong last, for people; free of personal data and secrets."""
        return self._outcomes.last_failure

    def lag(self) -> Lag:
        """How far behind its group is, as far as it is known."""
        return Lag(None, None) if self._subscription is None else self._subscription.lag()
