"""One destination's flow: receive → decide → build → deliver → settle (DESIGN §4).

    receive   intake.py    takes messages as the window has room
    decide    examine.py   reads a message, asks the triggers
    build     examine.py   makes the document            -> ``_conclude``, below
    deliver   senders.py   attempts what the outbox gives -> ``_ended``, below
    settle    here         once it was delivered or excluded, or is durably a dead letter (recorder.py)

All of it runs on one event loop, and between two awaits the outbox is changed by one hand only. Whatever changes the
outbox wakes those who may go on: ``intake`` when there may be room, ``senders`` when something may go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from exporter.dataflow.examine import Bug, Examined
from exporter.dataflow.intake import Intake
from exporter.dataflow.letters import failure, letter_of_event, letter_of_export
from exporter.dataflow.parts import Parts
from exporter.dataflow.recorder import Again, Bury, Mark, Recorder, Remove
from exporter.dataflow.replays import Replays
from exporter.dataflow.senders import Senders
from exporter.delivery.export import OVERHEAD_BYTES, Export
from exporter.delivery.faults import Pause
from exporter.delivery.turns import DeadLetter, Hold, Next, Settle
from exporter.delivery.verdict import DeadLetterReason, Final, PauseReason
from exporter.profile.decision import Excluded
from exporter.profile.malformed import Malformed
from exporter.queues.port import Lag, Message, QueueUnavailable, Subscription
from exporter.state.letter import NewLetter
from exporter.state.port import StateUnavailable
from exporter.status import DataflowState

#: A subscription that takes longer than this has another reader: we are its standby.
STANDBY_SECONDS = 3.0


class Dataflow:
    """Runs from ``run`` until ``stop``; see DESIGN §3 for what it promises."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._recorder = Recorder(parts, self._after_record)
        self._replays = Replays(parts, self._recorder, self._wake)
        self._senders = Senders(parts, self._ended, self._replays.may_go, self._withdrawn)
        self._intake = Intake(parts, self._conclude, self._wake, self._lane_busy, self._lane_gone)
        self._subscription: Subscription | None = None
        self._patience: asyncio.Timeout | None = None
        self._stopped = False
        self._drain_seconds = 0.0
        self._drained = asyncio.Event()
        self._pause: Pause | None = None
        self.state: DataflowState = "starting"
        self.last_failure: str | None = None

    # -- received, decided and built: what ``intake`` and ``examine`` made of a message

    def _conclude(self, message: Message, examined: Examined) -> None:
        match examined:
            case Export():
                self.parts.outbox.add(examined, self.parts.clock.monotonic())
            case Excluded(reason):
                self.parts.metrics.excluded[reason].inc()
                self._settle(message)
            case Malformed():
                self._condemn(message, "malformed", str(examined), examined.profile_id, examined.event_id)
            case Bug(where, profile_id, event_id):
                self._condemn(message, "bug", where, profile_id, event_id)

    def _condemn(
        self, message: Message, reason: DeadLetterReason, detail: str, profile_id: str | None, event_id: str | None
    ) -> None:
        """An event that comes to nothing that could be sent: its dead letter needs no turn in its profile's line."""
        letter = letter_of_event(message, self.parts, reason, detail, profile_id, event_id)
        size = len(message.body) + OVERHEAD_BYTES

        def buried() -> None:
            self.parts.outbox.put_away(size)
            self._count_dead_letter(letter)
            self._settle(message)
            self._intake.woken()

        # Else a store that fails would let a whole queue of malformed events into memory.
        self.parts.outbox.set_aside(size)
        self._recorder.write(Bury(letter, buried))

    # -- delivered, or not

    def _ended(self, export: Export, verdict: Final, following: Next) -> None:
        match following:
            case Settle():
                self._delivered(export)
            case DeadLetter(reason):
                self._bury(export, verdict, reason)
            case Hold():
                self.last_failure = failure(verdict)
        if self.parts.outbox.pause is not self._pause:
            self._tell_of_pauses()
        self._intake.woken()
        self._look_if_drained()

    def _withdrawn(self) -> None:
        self._intake.woken()
        self._look_if_drained()

    def _lane_busy(self, lane: str) -> bool:
        """Is anything of this lane in flight, or on its way into the store? (Whose lane that is, nobody knows.)"""
        return self.parts.outbox.flying(lane) or not (self._recorder.idle or self._recorder.stuck)

    def _lane_gone(self, lane: str) -> None:
        self.parts.letters.let_go(self.parts.place(lane), self._replays.let_go(lane))

    def _ours(self, subscription: Subscription, place: str) -> bool:
        """Are the letters of this lane ours to replay?"""
        return subscription.reads(self.parts.lane_at(place, subscription))

    def _delivered(self, export: Export) -> None:
        parts = self.parts
        parts.metrics.delivered.inc()
        parts.metrics.latency_seconds.observe(max(0.0, parts.clock.epoch() - export.occurred_at))
        message = export.message
        if self._recorder.concerns(export.profile_id) and not export.foreign:
            place = parts.place(message.lane)
            self._recorder.write(Mark(export.profile_id, place, message.position, lambda: self._marked(export)))
        else:
            self._settle_export(export)
        if export.letter is not None:
            self._recorder.write(Remove(export.letter, self._after_record))

    def _marked(self, export: Export) -> None:
        self._settle_export(export)
        # It may be the last thing that a lane which is lost waits for.
        self._intake.woken()

    def _bury(self, export: Export, verdict: Final, reason: DeadLetterReason) -> None:
        letter = letter_of_export(export, self.parts, reason, verdict)

        def buried() -> None:
            if export.letter is None:
                self._count_dead_letter(letter)
            self.parts.outbox.stored(export, self.parts.clock.monotonic())
            self._settle_export(export)
            self._after_record()

        if export.letter is None:
            self._recorder.write(Bury(letter, buried))
        else:
            self._recorder.write(Again(export.letter, letter, buried))

    def _count_dead_letter(self, letter: NewLetter) -> None:
        self.parts.metrics.dead_lettered.inc()
        self.parts.log.warning(
            "dead letter",
            reason=letter.reason,
            detail=letter.detail,
            status=letter.status,
            attempts=letter.attempts,
            event_id=letter.event_id,
            position=letter.position,
        )

    # -- settled

    def _settle_export(self, export: Export) -> None:
        # A replayed dead letter was settled when it became one.
        if export.letter is None:
            self._settle(export.message)
        else:
            self._replays.ended(export.letter)

    def _settle(self, message: Message) -> None:
        if self._subscription is not None:
            self._subscription.settle(message)
        self._look_if_drained()

    def _after_record(self) -> None:
        self._look_if_drained()
        self._wake()

    def _wake(self) -> None:
        """Something may go that could not before."""
        self._intake.woken()
        self._senders.wake()

    # -- from start to end

    async def run(self) -> bool:
        """Run until stopped. True if what was settled is committed."""
        async with AsyncExitStack() as stack:
            await self._until_stopped(self._subscribe(stack))
            if self._subscription is None:
                return True
            # However it ends: none of the senders' timers is to outlive it.
            stack.callback(self._senders.cut)
            async with asyncio.TaskGroup() as tasks:
                self._senders.open(tasks)
                recording = tasks.create_task(self._recorder.run())
                replaying = tasks.create_task(self._replays.run(self._subscription))
                self.state = "running"
                await self._until_stopped(self._intake.run(self._subscription))
                replaying.cancel()
                await self._drain()
                recording.cancel()
                self._senders.cut()
            return await self._commit(self._subscription)

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
        parts = self.parts
        tries = 0
        while self._subscription is None:
            standby = asyncio.get_running_loop().call_later(STANDBY_SECONDS, self._stand_by)
            try:
                entering = parts.queue.subscribe(parts.group, parts.start)
                subscription = await stack.enter_async_context(entering)
                await parts.letters.open(partial(self._ours, subscription))
                self._subscription = subscription
            except (QueueUnavailable, StateUnavailable) as error:
                standby.cancel()
                await stack.aclose()
                of_queue = isinstance(error, QueueUnavailable)
                self._hold("queue" if of_queue else "state", str(error))
                await asyncio.sleep((parts.queue_delay if of_queue else parts.wait_delay)(tries))
                tries += 1
            finally:
                standby.cancel()
        parts.outbox.go("queue")
        parts.outbox.go("state")

    def _stand_by(self) -> None:
        # It is asked for so long and has not failed: the queue is there, and another one's turn is not over.
        if self.parts.outbox.go("queue"):
            self.parts.log.info("resumed", reason="queue")
        if not self.parts.outbox.stops and self.state != "standby":
            self.state = "standby"
            self.parts.log.info("standby", group=self.parts.group)

    def _hold(self, reason: PauseReason, detail: str) -> None:
        if self.parts.outbox.stop(reason, detail=detail):
            self.parts.log.warning("paused", reason=reason, detail=detail)
        self.last_failure = detail

    async def _drain(self) -> None:
        self.state = "draining"
        self.parts.outbox.close()
        self._look_if_drained()
        try:
            async with asyncio.timeout(self._drain_seconds):
                await self._drained.wait()
        except TimeoutError:
            self.parts.log.warning("drain ended early", in_flight=self.parts.outbox.in_flight)

    def _look_if_drained(self) -> None:
        """What the store refuses now is left to the queue: waiting would not help."""
        if self.state != "draining" or self.parts.outbox.in_flight:
            return
        if self._recorder.idle or self._recorder.stuck:
            self._drained.set()

    async def _commit(self, subscription: Subscription) -> bool:
        try:
            await subscription.commit()
        except QueueUnavailable as error:
            self.parts.log.error("last commit failed", detail=str(error))
            return False
        return True

    # -- what it says of itself

    def _tell_of_pauses(self) -> None:
        pause = self.parts.outbox.pause
        if self._pause is not None:
            self.parts.log.info("resumed", reason=self._pause.reason)
        if pause is not None:
            self.last_failure = pause.detail
            self.parts.log.warning("paused", reason=pause.reason, detail=pause.detail)
        self._pause = pause

    def lag(self) -> Lag:
        """How far behind its group is, as far as it is known."""
        return Lag(None, None) if self._subscription is None else self._subscription.lag()
