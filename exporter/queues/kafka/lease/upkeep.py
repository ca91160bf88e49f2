"""Upkeep of a subscription's lease on lanes: adopts new lanes, releases those that the leader asks for, joins anew.

The upkeep decides when ``membership`` and ``lanes`` act, whether or not ``receive`` is called.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from exporter.queues.kafka.check.diagnosis import cause, diagnosed
from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.failures import CLIENT_ERRORS
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.fetch.start_positions import deleted, start_positions
from exporter.queues.kafka.lease.membership import Membership
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.port import QueueUnavailable
from exporter.tasks.waiting import wait_at_most

_AGAIN_FIRST_SECONDS = 0.2
AGAIN_MOST_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_FENCE_SECONDS = 0.1
_PROOFS_PER_SESSION = 4


class LeaseUpkeep:
    """Looks after the current ``membership``; ``failure`` is the reason why nothing can be read now, or None.

    ``changed`` is called after each failure; ``warn`` hears of missed events and of other news for people.
    """

    def __init__(
        self,
        group: str,
        settings: KafkaSettings,
        cluster: Cluster,
        high_watermarks: HighWatermarks,
        lanes: Lanes,
        changed: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        self._group = group
        self._connection = cluster.connection
        self._settings = settings
        self._cluster = cluster
        self._high_watermarks = high_watermarks
        self._lanes = lanes
        self._changed = changed
        self._warn = warn
        self._due = asyncio.Event()  # set while there is work to do
        self._broken: BaseException | None = None
        self._given_back = False  # lanes were released that no member reads until a rebalance
        self.failure: str | None = None
        self.membership = self._new_membership()

    # -- coming and going

    async def join(self) -> None:
        """Become a member, and begin to read the first lanes.

        Raises:
            QueueUnavailable: joining failed.
        """
        async with diagnosed(f"joining group {self._group}", self._connection):
            await self.membership.join()
            await self._place()

    async def leave(self) -> None:
        """Commit a last time, unless there is a failure, and leave the group. A failed commit is told ``warn``."""
        try:
            if self.failure is None:
                await self.commit()
        except QueueUnavailable as error:
            self._warn(f"group {self._group}: its last position could not be written: {error}")
        finally:
            await self.membership.leave()

    # -- for the subscription

    async def commit(self) -> None:
        """Commit all settled positions.

        Raises:
            QueueUnavailable: the commit failed.
        """
        async with diagnosed("positions cannot be committed", self._connection):
            await self.membership.commit(self._lanes.to_commit)

    def look_soon(self) -> None:
        """Let ``run`` look at once: there is work to do."""
        self._due.set()

    def failed(self, why: str) -> None:
        """Note why nothing can be read now; the next look that finds no fault clears the failure."""
        self.failure = why
        self._changed()

    async def unusable(self, error: BaseException) -> QueueUnavailable:
        """Have ``run`` join with a new client, since this client gave up with ``error``; what to raise meanwhile."""
        self._broken = error
        self._due.set()
        return QueueUnavailable(f"group {self._group}: {await cause(error, self._connection)}")

    # -- for as long as the subscription lives

    async def run(self) -> None:
        """Look after lanes and membership, until cancelled. When the client gives up, join with a new client."""
        while True:
            try:
                await self._look()
            except CLIENT_ERRORS as error:
                self.failed(f"group {self._group}: {await cause(error, self._connection)}")
                await self.membership.leave()
                self._broken = None
                self.membership = await self._joined_anew()

    async def fence(self) -> None:
        """Give up all lanes when the group was silent so long that other members may read on, until cancelled."""
        while True:
            await asyncio.sleep(max(_FENCE_SECONDS, self.membership.seconds_left()))
            if self._lanes.any_held() and self.membership.seconds_left() <= 0.0:
                self._lanes.lose_all()
                self.membership.ask_for_rebalance()

    async def _joined_anew(self) -> Membership:
        again = _AGAIN_FIRST_SECONDS
        while True:
            await asyncio.sleep(again)
            again = min(2 * again, AGAIN_MOST_SECONDS)
            membership = self._new_membership()
            try:
                await membership.join()
            except CLIENT_ERRORS as error:
                self.failed(f"joining group {self._group}: {await cause(error, self._connection)}")
                await membership.leave()
            except BaseException:
                await membership.leave()
                raise
            else:
                return membership

    async def _look(self) -> None:
        """Look once: wait until there is work to do, at most a second, and do the work.

        Raises:
            CLIENT_ERRORS: only a new client helps.
        """
        await wait_at_most(_LOOK_SECONDS, self._due)
        self._due.clear()
        if self._broken is not None:
            raise self._broken
        self.membership.look()
        # ``high_watermarks`` looks at the topic every few seconds, which keeps the incarnation up to date.
        self._lanes.end_unless_of(self._cluster.incarnation)
        self._lanes.begin_anew()
        try:
            await self._place()
            await self._release()
            await self._prove()
        except QueueUnavailable as error:
            self.failed(f"group {self._group}: {error}")
        except CLIENT_ERRORS as error:
            self.failed(f"group {self._group}: {await cause(error, self._connection)}")
        else:
            self.failure = None

    async def _place(self) -> None:
        membership = self.membership
        if not (await self._adopt(membership) and await self._go_on(membership)):
            self._due.set()

    async def _adopt(self, membership: Membership) -> bool:
        """Begin to read newly assigned lanes after the committed positions; False: to be called again at once.

        Raises:
            QueueUnavailable: the topic cannot be looked at now.
            CLIENT_ERRORS: the commits cannot be read.
        """
        wanted = self._lanes.wanted
        if not wanted or membership.rebalancing:
            return True
        # The incarnation is read first: if a new topic takes the place afterwards, the next look finds out; the other
        # way round the old topic's positions would be taken for the new topic's.
        incarnation = (await self._cluster.seen()).incarnation
        committed = await membership.committed(wanted)
        ends = await self._cluster.ends(wanted)
        if wanted != self._lanes.wanted or membership.rebalancing:
            return False
        if not (wanted <= ends.first.keys() and wanted <= ends.next.keys()):
            # A partition's leader has just changed, or records are just being deleted: the next look asks again.
            return True
        places = start_positions(wanted, committed, ends, incarnation, self._group, self._warn)
        for number, place in places.items():
            self._high_watermarks.reaches(number, ends.next[number])
            membership.seek(number, place.settled_to + 1)
            self._lanes.adopt(number, incarnation, place)
        return True

    async def _go_on(self, membership: Membership) -> bool:
        """Read stuck lanes on after events that were deleted before being read. Returns and raises as ``_adopt``."""
        stuck = self._lanes.stuck()
        if not stuck or membership.rebalancing:
            return True
        incarnation = (await self._cluster.seen()).incarnation
        ends = await self._cluster.ends([lane.number for lane in stuck])
        if membership.rebalancing:
            return False
        for lane in self._lanes.stuck():
            number, position = lane.number, lane.stuck
            if lane not in stuck or position is None or not (number in ends.first and number in ends.next):
                continue
            if lane.incarnation != incarnation or position > ends.next[number]:
                self._lanes.end(lane)
                continue
            missed = self._lanes.go_on(lane, ends.first[number])
            if missed:
                self._warn(deleted(self._group, number, missed))
            membership.seek(number, max(position, ends.first[number]))
        return True

    async def _release(self) -> None:
        """Commit and release the lanes whose planned loss is complete."""
        lanes = self._lanes.releasing()
        if lanes:
            await self.membership.commit(self._lanes.to_commit)
            for lane in lanes:
                self._lanes.released(lane)
            self._given_back = True
        # Lanes that leave soon after each other share a rebalance, since each rebalance takes seconds.
        if self._given_back and not (lanes and self._lanes.leaving()):
            self._given_back = False
            self.membership.ask_for_rebalance()

    async def _prove(self) -> None:
        """Commit, where nothing was committed for a while, to prove the membership."""
        if time.monotonic() - self.membership.proven_at > self._settings.session_timeout / _PROOFS_PER_SESSION:
            await self.membership.commit(lambda: self._lanes.to_commit() or self._lanes.any_durable())

    def _new_membership(self) -> Membership:
        return Membership(self._connection, self._settings, self._group, self._lanes, self._warn)
