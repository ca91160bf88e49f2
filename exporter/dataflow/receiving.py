"""Receive: takes messages from the subscription as the window has room, and has each examined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.examine import Bug, Examined, examine
from exporter.dataflow.stops import Stops
from exporter.messages.export import OVERHEAD_BYTES
from exporter.messages.message import Message
from exporter.outbox.failure_policy import BUGS_IN_A_ROW
from exporter.outbox.verdict import PauseReason
from exporter.queues.port import Batch, LaneLost, QueueUnavailable, Subscription
from exporter.state.port import StateUnavailable
from exporter.tasks.hurry import Hurry

#: The most messages asked for at a time, and examined before other dataflows get a turn.
RECEIVE_MOST = 200

Concluded = Callable[[Message, Examined], None]


class Receiving:
    """Reads a subscription. ``concluded`` is called for each message, ``may_send`` after each batch and each stop.

    ``lane_busy`` says whether anything of a lost lane still has to end before the position is committed; ``lane_gone``
    is called when the lane passes to the next reader. ``hurry`` cuts the waits between tries short.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        concluded: Concluded,
        may_send: Callable[[], None],
        lane_busy: Callable[[str], bool],
        lane_gone: Callable[[str], None],
        hurry: Hurry,
    ) -> None:
        self._dependencies = dependencies
        self._stops = Stops(dependencies, "receiving", may_send)
        self._concluded = concluded
        self._may_send = may_send
        self._lane_busy = lane_busy
        self._lane_gone = lane_gone
        self._hurry = hurry
        self._freed: asyncio.Event | None = None  # while a lost lane has to run empty
        self._patience: asyncio.Timeout | None = None
        self._usual_size = 4 * OVERHEAD_BYTES
        self._bugs = 0

    def woken(self) -> None:
        """Look again: the window may have room, or a lost lane may have run empty."""
        if self._freed is not None:
            self._freed.set()
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.reschedule(asyncio.get_running_loop().time())

    async def run(self, subscription: Subscription) -> None:
        """Receive until cancelled. Cancelling loses nothing: messages that were not concluded are not settled."""
        while True:
            match await self._receive(subscription):
                case LaneLost(lane, planned):
                    await self._let_go(subscription, lane, planned)
                case Batch(messages):
                    await self._take(subscription, messages)
            # A queue that always has messages must not keep the event loop from other work (SIGTERM, senders).
            await asyncio.sleep(0)

    async def _receive(self, subscription: Subscription) -> Batch | LaneLost:
        tries = 0
        while True:
            room = self._dependencies.outbox.room(RECEIVE_MOST, self._usual_size)
            try:
                received = await (subscription.receive(room) if room else self._lost_before_roomy(subscription))
            except QueueUnavailable as error:
                tries = await self._until_reachable(error, tries)
            else:
                if received is not None:
                    return received

    async def _lost_before_roomy(self, subscription: Subscription) -> Batch | LaneLost | None:
        """The loss of a lane while the window is full; None once the window may have room again."""
        patience = self._patience = asyncio.timeout(None)
        try:
            async with patience:
                return await subscription.receive(0)
        except TimeoutError:
            if not patience.expired():
                raise
            return None
        finally:
            self._patience = None

    async def _until_reachable(self, error: QueueUnavailable, tries: int) -> int:
        """Wait until the queue answers ``check`` again; return the tries. The next message may be long in coming."""
        failure: QueueUnavailable | None = error
        while failure is not None:
            await self._stopped("queue", str(failure), tries)
            tries += 1
            try:
                await self._dependencies.queue.check()
                failure = None
            except QueueUnavailable as still:
                failure = still
        self._stops.go("queue")
        return tries

    async def _take(self, subscription: Subscription, messages: Sequence[Message]) -> None:
        self._dependencies.metrics.received.inc(len(messages))
        kept = await self._kept(messages)
        for message in messages:
            if kept and (message.lane, message.position) in kept:
                subscription.settle(message)
                continue
            self._usual_size += (len(message.body) * 2 + OVERHEAD_BYTES - self._usual_size) >> 4
            examined = examine(message, self._dependencies)
            if isinstance(examined, Bug):
                examined = await self._after_bug(message, examined)
            else:
                self._bugs = 0
            self._concluded(message, examined)
        self._may_send()

    async def _after_bug(self, message: Message, bug: Bug) -> Examined:
        examined: Examined = bug
        tries = 0
        while isinstance(examined, Bug):
            self._bugs += 1
            if self._bugs < BUGS_IN_A_ROW:
                return examined
            # The fifth in a row: the exporter is at fault, so the event waits instead of becoming a dead letter.
            await self._stopped("bug", examined.where, tries)
            tries += 1
            examined = examine(message, self._dependencies)
        self._bugs = 0
        self._stops.go("bug")
        return examined

    async def _kept(self, messages: Sequence[Message]) -> frozenset[tuple[str, int]]:
        by_lane: dict[str, list[int]] = {}
        for message in messages:
            by_lane.setdefault(message.lane, []).append(message.position)
        kept: set[tuple[str, int]] = set()
        for lane, positions in by_lane.items():
            tries = 0
            while True:
                try:
                    found = await self._dependencies.letters.kept(self._dependencies.place(lane), positions)
                except StateUnavailable as error:
                    await self._stopped("state", error.reason, tries)
                    tries += 1
                else:
                    break
            if tries:
                self._stops.go("state")
            kept.update((lane, position) for position in found)
        return frozenset(kept)

    async def _let_go(self, subscription: Subscription, lane: str, planned: bool) -> None:
        outbox = self._dependencies.outbox
        outbox.release(lane, self._dependencies.clock.monotonic())
        self._dependencies.log.info("lane lost", lane=lane, planned=planned)
        if not planned:
            self._lane_gone(lane)
            return
        freed = self._freed = asyncio.Event()
        while self._lane_busy(lane):
            freed.clear()
            await freed.wait()
        self._freed = None
        try:
            await subscription.commit()
        except QueueUnavailable as error:
            self._dependencies.log.warning("commit failed", detail=str(error))
        self._lane_gone(lane)

    async def _stopped(self, reason: PauseReason, detail: str, tries: int) -> None:
        self._stops.stop(reason, detail)
        delay = self._dependencies.queue_delay if reason == "queue" else self._dependencies.wait_delay
        await self._hurry.sleep(delay(tries))
