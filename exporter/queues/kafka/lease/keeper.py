"""Keeps one subscription in its group: takes up new lanes, lets go of those asked for, joins anew when that is needed.

What ``membership`` and ``lanes`` can do is done here when its time has come, whether or not anybody calls ``receive``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from exporter.queues.kafka.check.diagnosis import cause, diagnosed
from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.cluster.connection import Connection
from exporter.queues.kafka.failures import CLIENT_ERRORS
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.fetch.placing import Placing
from exporter.queues.kafka.lease.membership import Membership
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.port import QueueUnavailable

AGAIN_FIRST_SECONDS = 0.2
AGAIN_MOST_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_FENCE_SECONDS = 0.1
_PROOFS_PER_SESSION = 4


class Keeper:
    """``membership`` is the current one; ``failure`` says why nothing can be read now, or None.

    ``changed`` is called when either may be another.
    """

    def __init__(
        self,
        group: str,
        connection: Connection,
        settings: KafkaSettings,
        cluster: Cluster,
        high_watermarks: HighWatermarks,
        lanes: Lanes,
        changed: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        self._group = group
        self._connection = connection
        self._settings = settings
        self._cluster = cluster
        self._placing = Placing(group, cluster, high_watermarks, lanes, warn)
        self._lanes = lanes
        self._changed = changed
        self._warn = warn
        self._due = asyncio.Event()  # there is something to do
        self._broken: BaseException | None = None
        self._given_back = False  # lanes that nobody reads until they are shared anew
        self.failure: str | None = None
        self.membership = self._new_membership()

    # -- coming and going

    async def join(self) -> None:
        """Become a member. Raises QueueUnavailable."""
        async with diagnosed(f"joining group {self._group}", self._connection):
            await self.membership.join()
            await self._place()

    async def leave(self) -> None:
        """Commit once more, if that works, and leave the group."""
        try:
            if self.failure is None:
                await self.commit()
        except QueueUnavailable as error:
            self._warn(f"group {self._group}: its last position could not be written: {error}")
        finally:
            await self.membership.leave()

    # -- what others ask for

    async def commit(self) -> None:
        """Make durable what is settled. Raises QueueUnavailable."""
        async with diagnosed("positions cannot be committed", self._connection):
            await self.membership.commit(self._lanes.to_commit)

    def look_soon(self) -> None:
        """There is something to do."""
        self._due.set()

    def failed(self, why: str) -> None:
        """Nothing can be read now; the next look that finds no fault ends that."""
        self.failure = why
        self._changed()

    async def unusable(self, error: BaseException) -> QueueUnavailable:
        """The client has given up with this error: begin with a new one. What to raise meanwhile."""
        self._broken = error
        self._due.set()
        return QueueUnavailable(f"group {self._group}: {await cause(error, self._connection)}")

    # -- for as long as the subscription lives

    async def run(self) -> None:
        """Look after lanes and membership, until cancelled. When the client gives up, begin with a new one."""
        while True:
            try:
                await self._look()
            except CLIENT_ERRORS as error:
                self.failed(f"group {self._group}: {await cause(error, self._connection)}")
                await self.membership.leave()
                self._broken = None
                self.membership = await self._joined_anew()

    async def fence(self) -> None:
        """Give all lanes up when so long nothing was heard that others may read them, until cancelled."""
        while True:
            await asyncio.sleep(max(_FENCE_SECONDS, self.membership.seconds_left()))
            if self._lanes.any_held() and self.membership.seconds_left() <= 0.0:
                self._lanes.lose_all()
                self.membership.ask_for_new_share()

    async def _joined_anew(self) -> Membership:
        again = AGAIN_FIRST_SECONDS
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
        """One look. Raises what the client raises when only a new one helps."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._due.wait()
        self._due.clear()
        if self._broken is not None:
            raise self._broken
        self.membership.look()
        # Seen every few seconds by ``high_watermarks``.
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
        if not (await self._placing.adopt(membership) and await self._placing.go_on(membership)):
            self._due.set()

    async def _release(self) -> None:
        """Let go of lanes whose planned loss is complete."""
        lanes = self._lanes.releasing()
        if lanes:
            await self.membership.commit(self._lanes.to_commit)
            for lane in lanes:
                self._lanes.released(lane)
            self._given_back = True
        # Lanes that leave one soon after the other are shared anew together, since each time takes seconds.
        if self._given_back and not (lanes and self._lanes.leaving()):
            self._given_back = False
            self.membership.ask_for_new_share()

    async def _prove(self) -> None:
        """Where nothing was committed for a while: see whether we still may."""
        if time.monotonic() - self.membership.proven_at > self._settings.session_timeout / _PROOFS_PER_SESSION:
            await self.membership.commit(lambda: self._lanes.to_commit() or self._lanes.any_durable())

    def _new_membership(self) -> Membership:
        return Membership(self._connection, self._settings, self._group, self._lanes, self._warn)
