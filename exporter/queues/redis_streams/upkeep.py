"""The regular work on an open stream: delete entries that every group has passed, and count what was added."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from exporter.queues.port import QueueUnavailable
from exporter.queues.progress.retention import UNNAMED_GROUP_KEPT_SECONDS, GivenUp, GroupPosition, passed
from exporter.queues.redis_streams.ids import position_of
from exporter.queues.redis_streams.stream import Group, Record, Stream
from exporter.queues.redis_streams.subscription import RedisSubscription

_LOOK_SECONDS = 1.0
_SWEEP_SECONDS = 3.0
_CHUNK_ENTRIES = 10_000


class Upkeep:
    """Runs beside the subscriptions of a process."""

    def __init__(self, stream: Stream, groups: Collection[str], warn: Callable[[str], None]) -> None:
        self.subscriptions: set[RedisSubscription] = set()
        self._stream = stream
        self._groups = groups
        self._given_up = GivenUp(warn)

    def grown(self, added: int) -> None:
        """Tell every subscription that ``added`` entries were ever added to the stream."""
        for subscription in self.subscriptions:
            subscription.grown(added)

    async def run(self) -> None:
        """Look after the stream until cancelled, while there are subscriptions. Failures are tried again later."""
        sweep_due = time.monotonic() + _SWEEP_SECONDS
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self.subscriptions:
                continue
            with suppress(QueueUnavailable):
                extent = await self._stream.extent()
                if extent is not None:
                    self.grown(extent.added)
                if time.monotonic() >= sweep_due:
                    sweep_due = time.monotonic() + _SWEEP_SECONDS
                    await self.sweep()

    async def sweep(self) -> None:
        """Delete entries that no group needs any more, in steps that hold Redis up for little.

        Raises:
            QueueUnavailable: Redis cannot be used now.
        """
        seconds, _ = await self._stream.server.call("TIME")
        now = float(seconds)
        records = await self._stream.records()
        places = [await self._place(group, records.get(group.name), now) for group in await self._stream.groups()]
        to, given_up = passed(places, frozenset(self._groups), now)
        self._given_up.tell(given_up)
        if to is None:
            return
        while await self._stream.trim(sorted(given_up), _CHUNK_ENTRIES) >= _CHUNK_ENTRIES // 2:
            pass

    async def _place(self, group: Group, record: Record | None, now: float) -> GroupPosition:
        """Where a group stands, so that ``passed`` can tell which groups count; ``trim`` looks at positions again."""
        seen_at = None if record is None else record.seen_at
        if seen_at is None:
            # No exporter has read the group yet: from now on the group holds back retention.
            await self._stream.first_seen(group.name, now)
            seen_at = now
        if group.name not in self._groups and seen_at < now - UNNAMED_GROUP_KEPT_SECONDS:
            consumers = await self._stream.other_consumers(group.name)
            seen_at = max([seen_at, *(now - idle for idle in consumers.values())])
        return GroupPosition(group.name, position_of(group.delivered_to), seen_at)
