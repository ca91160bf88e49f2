"""The flow of a destination: receive → decide → build → deliver → settle (architecture.md).

    receive   receiving.py takes messages as the window has room
    decide    examine.py   reads a message, asks the triggers
    build     examine.py   makes the document
    deliver   senders.py   attempts the exports that the outbox gives
    settle    outcomes.py  a message that was delivered or excluded, or is durably a dead letter (recorder.py)

Here the parts are put together, started and ended. Everything runs on a single event loop, and between two awaits the
outbox is changed by one hand only. Whatever changes the outbox wakes the parts that may go on: ``receiving`` when there
may be room, ``senders`` when an export may go. The parts know each other by what they were given to call:

    who calls            what             when                                     and so
    receiving            concluded        a message was examined                   outcomes: queue, settle or bury
    receiving            lane_busy        a lane is being taken away, as planned   whether to wait for what is under way
    receiving            lane_gone        a lane was let go of                     replays and letters let go of it, too
    senders              may_go           before an attempt at a replay            replays: goes, or is withdrawn
    senders              attempted        an attempt ended                         outcomes: settle, bury or hold
    senders, outcomes    freed            something left the window                receiving wakes, a drain may end
    recorder, outcomes   recorded         a letter is durable, or a stop changed   as may_send; a drain may end
    receiving, replays   may_send         something came in, or a stop was lifted  receiving and senders wake
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import ClassVar

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.outcomes import Outcomes
from exporter.dataflow.receiving import Receiving
from exporter.dataflow.recorder import Recorder
from exporter.dataflow.replays import Replays
from exporter.dataflow.senders import Senders
from exporter.dataflow.stops import Stops, tell_pauses
from exporter.queues.port import Lag, QueueUnavailable, Subscription
from exporter.state.interventions import OperatorPause
from exporter.state.port import StateUnavailable
from exporter.tasks.ending import Ending
from exporter.tasks.hurry import Hurry
from exporter.tasks.late_deadlines import answered_within
from exporter.tasks.lifetimes import must_live
from exporter.telemetry.status import DataflowState

#: Where subscribing takes longer, the group has a different reader, and the dataflow is a standby.
STANDBY_SECONDS = 3.0


class Dataflow:
    """A destination's pipeline, running from ``run`` until ``stop``; contract.md#guarantees has the promises."""

    #: The attributes that ``let_go`` may delete, for mypyc.
    __deletable__: ClassVar[list[str]] = [
        "dependencies",
        "_recorder",
        "_replays",
        "_outcomes",
        "_senders",
        "_receiving",
        "_stops",
        "_hurry",
        "_subscription",
    ]

    def __init__(self, dependencies: Dependencies) -> None:
        self.dependencies = dependencies
        self._hurry = Hurry()
        self._recorder = Recorder(dependencies, self._recorded, self._hurry)
        self._replays = Replays(dependencies, self._recorder, self._may_send)
        self._outcomes = Outcomes(dependencies, self._recorder, self._replays, self._freed, self._recorded)
        self._senders = Senders(dependencies, self._outcomes.attempted, self._replays.may_go, self._freed)
        self._receiving = Receiving(
            dependencies, self._outcomes.concluded, self._may_send, self._lane_busy, self._lane_gone, self._hurry
        )
        self._stops = Stops(dependencies, "flow")
        self._subscription: Subscription | None = None
        self._ending = Ending()
        self._drain_seconds = 0.0
        self._drained = asyncio.Event()
        self.state: DataflowState = "starting"

    # -- from start to end

    async def run(self) -> bool:
        """Run until stopped; return whether all that was settled is committed."""
        async with AsyncExitStack() as stack:
            await self._ending.unless_asked(self._subscribe(stack))
            subscription = self._subscription
            if subscription is None:
                return True
            async with asyncio.TaskGroup() as tasks:
                try:
                    self._senders.open(tasks)
                    recording = tasks.create_task(must_live("the recorder", self._recorder.run))
                    replaying = tasks.create_task(must_live("the replayer", lambda: self._replays.run(subscription)))
                    self.state = "running"
                    await self._ending.unless_asked(must_live("receiving", lambda: self._receiving.run(subscription)))
                    replaying.cancel()
                    await self._drain()
                    recording.cancel()
                finally:
                    # However the dataflow ends: nothing is sent while the group waits for its tasks, no timer is left.
                    self._senders.cut()
            return await self._commit(subscription)

    def let_go(self) -> None:
        """Drop the parts once ``run`` has ended: parts and dataflow refer to each other.

        Without that, every reload would leave a window full of exports in memory until a rare garbage collection.
        """
        self._recorder.let_go()
        del self.dependencies, self._recorder, self._replays, self._outcomes, self._senders, self._receiving
        del self._stops, self._hurry, self._subscription

    def stop(self, drain_seconds: float) -> None:
        """Stop reading, let attempts in flight finish for ``drain_seconds``, commit, and end."""
        self._drain_seconds = drain_seconds
        self._ending.set()

    def cut(self) -> None:
        """Stop without waiting for attempts in flight."""
        self.stop(0.0)
        self._drained.set()

    # -- by hand

    def obey(self, pause: OperatorPause | None) -> None:
        """Send nothing while there is an operator's ``pause``; what is in flight finishes, other pauses go on."""
        outbox = self.dependencies.outbox
        pauses, clock = self.dependencies.pauses, self.dependencies.clock
        pauses.by_hand = "" if pause is None else str(pause)
        pauses.by_hand_since = None if pause is None else clock.monotonic() - max(0.0, clock.epoch() - pause.at)
        went_on = False
        if pause is not None:
            outbox.stop("operator")
        else:
            went_on = outbox.go("operator")
        tell_pauses(self.dependencies)
        if went_on:
            self._may_send()

    def probe(self) -> None:
        """Probe now what keeps the dataflow from sending, instead of when the next probe is due."""
        self.dependencies.outbox.probe_now(self.dependencies.clock.monotonic())
        self._hurry.now()
        self._may_send()

    # -- the parts of ``run``

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
                await self._hurry.sleep((dependencies.queue_delay if of_queue else dependencies.wait_delay)(tries))
                tries += 1
            finally:
                standby.cancel()
        self._stops.go("queue")
        self._stops.go("state")

    def _stand_by(self) -> None:
        # Subscribing has taken so long and has not failed: the queue is there, and a different reader has the group.
        self._stops.go("queue")
        if self.dependencies.outbox.stops <= {"operator"} and self.state != "standby":
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
        """End the drain if nothing more is to be waited for. What the store refuses now is left to the queue."""
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

    # -- between the parts

    def _freed(self) -> None:
        """Go on after an end: the window may have room, or the drain may be over."""
        self._receiving.woken()
        self._look_if_drained()

    def _recorded(self) -> None:
        self._look_if_drained()
        self._may_send()

    def _may_send(self) -> None:
        """Wake receiving and senders: exports may go that could not before."""
        self._receiving.woken()
        self._senders.wake()

    def _lane_busy(self, lane: str) -> bool:
        """Whether exports of the lane are in flight, or letters of any lane are on the way into the store."""
        return self.dependencies.outbox.busy(lane) or not (self._recorder.idle or self._recorder.stuck)

    def _lane_gone(self, lane: str) -> None:
        self.dependencies.letters.let_go(self.dependencies.place(lane), self._replays.let_go(lane))

    def _ours(self, subscription: Subscription, place: str) -> bool:
        """Whether the letters of the lane at ``place`` are this dataflow's to replay."""
        return subscription.reads(self.dependencies.lane_at(place, subscription))

    # -- for status and metrics

    def lag(self) -> Lag:
        """How far behind the group is, as far as known."""
        return Lag(None, None) if self._subscription is None else self._subscription.lag()
